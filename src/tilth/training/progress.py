"""The loss log of a training and the marks that tell whole checkpoints from broken ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.store.files import json_line, read_jsonl, write_jsonl, write_text

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainerState

COMPLETE = "complete"
"""The file that is written into a checkpoint last."""


def loss_log(folder: Path, say: Callable[[str], None]) -> TrainerCallback:
    """A callback that keeps `log.jsonl`: one line for each logged step, as it happens, with the validation loss.

    On resume the lines behind the checkpoint are taken back, so that every step stands there once.
    """
    from transformers import TrainerCallback

    path = folder / "log.jsonl"

    class LossLog(TrainerCallback):  # type: ignore[misc]  # transformers ships no types
        def __init__(self) -> None:
            self.rows: list[dict[str, Any]] = []

        def on_train_begin(self, args: Any, state: TrainerState, control: Any, **more: Any) -> None:
            self.rows = [row for row in read_jsonl(path) if row["step"] <= state.global_step]
            if state.is_world_process_zero:
                write_jsonl(path, self.rows)
                start = f", going on after step {state.global_step}" if state.global_step else ""
                say(f"{state.max_steps} optimizer steps{start}")

        def on_log(self, args: Any, state: TrainerState, control: Any, logs: Any = None, **more: Any) -> None:
            if not state.is_world_process_zero or not logs:
                return
            if "loss" in logs:
                names = ("loss", "learning_rate", "grad_norm")
                numbers = {name: logs[name] for name in names if name in logs}
                self.rows.append({"step": state.global_step, "epoch": logs.get("epoch")} | numbers)
                with path.open("ab") as handle:
                    handle.write(json_line(self.rows[-1]).encode())
                say(f"step {state.global_step}/{state.max_steps} loss {logs['loss']:.4f}")
            elif "eval_loss" in logs and self.rows:
                self.rows[-1]["eval_loss"] = logs["eval_loss"]
                write_jsonl(path, self.rows)
                say(f"step {state.global_step}/{state.max_steps} validation loss {logs['eval_loss']:.4f}")

        def on_save(self, args: Any, state: TrainerState, control: Any, **more: Any) -> None:
            if state.is_world_process_zero:
                write_text(folder / f"checkpoint-{state.global_step}" / COMPLETE, "")

    return LossLog()


def last_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint that was written to its end."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / COMPLETE).exists()]
    return max(whole, key=_step, default=None)


def clean_checkpoints(folder: Path) -> None:
    """Remove checkpoints that a kill left half-written."""
    for path in folder.glob("checkpoint-*"):
        if not (path / COMPLETE).exists():
            shutil.rmtree(path)


def _step(path: Path) -> int:
    return int(path.name.rsplit("-", 1)[1])
