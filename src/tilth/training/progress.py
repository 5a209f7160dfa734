"""The loss log of a training and the marks that tell whole checkpoints from broken ones."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.store.files import json_line, read_jsonl, write_json, write_jsonl, write_text

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainerState

LOG_FILE, PROGRESS_FILE = "log.jsonl", "progress.json"
NUMBERS = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "tokens": "num_tokens",
    "accuracy": "mean_token_accuracy",
}
"""The log's names for what trl reports. `tokens` counts what was read so far; `accuracy` is the share of answer
tokens that the model would have written itself."""
COMPLETE = "complete"
"""The file that is written into a checkpoint last."""


class LossLog:
    """Keeps `log.jsonl`: one line for each logged step, as it happens, with the validation loss.

    On resume the lines behind the checkpoint are taken back, so that every step stands there once. Beside it stands
    `progress.json`: how far the training is meant to go, what was chosen, and the best validation loss.
    """

    def __init__(self, folder: Path, say: Callable[[str], None], choices: Sequence[str] = ()) -> None:
        self._folder = folder
        self._path = folder / LOG_FILE
        self._say = say
        self._choices = list(choices)
        self._rows: list[dict[str, Any]] = []
        self._about: dict[str, Any] = {}
        self._start = 0.0

    def begin(self, args: Any, state: TrainerState) -> None:
        """A training starts, or goes on after a checkpoint."""
        self._rows = [row for row in read_jsonl(self._path) if row["step"] <= state.global_step]
        self._start = time.monotonic() - (self._rows[-1].get("seconds", 0.0) if self._rows else 0.0)
        write_jsonl(self._path, self._rows)
        self._about = {
            "state": "training",
            "steps": state.max_steps,
            "resumed_after": state.global_step or None,
            "warm_up": args.get_warmup_steps(state.max_steps),
            "rows_a_step": args.train_batch_size * args.gradient_accumulation_steps * args.world_size,
            "choices": self._choices,
        }
        write_json(self._folder / PROGRESS_FILE, self._about)
        start = f", going on after step {state.global_step}" if state.global_step else ""
        self._say(f"{state.max_steps} optimizer steps{start}")

    def note(self, state: TrainerState, logs: Mapping[str, Any]) -> None:
        """The trainer reports a loss, or a validation loss."""
        if "loss" in logs:
            numbers = {new: logs[old] for new, old in NUMBERS.items() if old in logs}
            numbers["seconds"] = round(time.monotonic() - self._start, 3)
            self._rows.append({"step": state.global_step, "epoch": logs.get("epoch")} | numbers)
            with self._path.open("ab") as handle:
                handle.write(json_line(self._rows[-1]).encode())
            self._say(f"step {state.global_step}/{state.max_steps} loss {logs['loss']:.4f}")
        elif "eval_loss" in logs and self._rows:
            self._rows[-1]["eval_loss"] = logs["eval_loss"]
            write_jsonl(self._path, self._rows)
            self._say(f"step {state.global_step}/{state.max_steps} validation loss {logs['eval_loss']:.4f}")

    def saved(self, state: TrainerState) -> None:
        """A checkpoint is written to its end."""
        write_text(self._folder / f"checkpoint-{state.global_step}" / COMPLETE, "")

    def end(self, args: Any, state: TrainerState) -> None:
        """The training is over."""
        about = self._about | {"state": "trained", "ended_after": state.global_step}
        if state.global_step < state.max_steps:
            self._say(f"stopped after step {state.global_step}: the validation loss falls no more")
        if state.best_global_step is not None and state.best_metric is not None:
            kept = bool(args.load_best_model_at_end)
            what = "it is the result" if kept else f"checkpoint-{state.best_global_step} holds it"
            self._say(
                f"lowest validation loss {state.best_metric:.4f} at step {state.best_global_step}; {what}"
            )
            about |= {
                "best_step": state.best_global_step,
                "best_eval_loss": state.best_metric,
                "best_is_result": kept,
            }
        write_json(self._folder / PROGRESS_FILE, about)


def loss_log(folder: Path, say: Callable[[str], None], choices: Sequence[str] = ()) -> TrainerCallback:
    """A callback that keeps a `LossLog`, in the first of several processes.

    Args:
        folder: where the files are written.
        say: gets a line for people for each of the log's.
        choices: what was chosen for this machine, in sentences.
    """
    from transformers import TrainerCallback

    kept = LossLog(folder, say, choices)

    class Callback(TrainerCallback):  # type: ignore[misc]  # transformers ships no types
        def on_train_begin(self, args: Any, state: TrainerState, control: Any, **more: Any) -> None:
            if state.is_world_process_zero:
                kept.begin(args, state)

        def on_log(self, args: Any, state: TrainerState, control: Any, logs: Any = None, **more: Any) -> None:
            if state.is_world_process_zero and logs:
                kept.note(state, logs)

        def on_save(self, args: Any, state: TrainerState, control: Any, **more: Any) -> None:
            if state.is_world_process_zero:
                kept.saved(state)

        def on_train_end(self, args: Any, state: TrainerState, control: Any, **more: Any) -> None:
            if state.is_world_process_zero:
                kept.end(args, state)

    return Callback()


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
