"""The proof that samples packed into one row cannot read each other, made on the model that is about to learn."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from tilth.errors import UserError
from tilth.models.loader import Hardware

if TYPE_CHECKING:
    import torch

LENGTH = 12
"""Tokens of each of the two samples of the probe."""
TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2, "float16": 1e-2}
"""Largest difference between logits that must be the same, as a share of the largest logit. A leak, or a position
counted on from the sample before, makes differences of the size of the logits themselves."""


def prove_isolation(model: Any, hardware: Hardware) -> float:
    """Run two samples as one packed row, in the very batch the trainer makes, and look at the second one's logits.

    They may not move when the first sample changes, and must be those of the sample alone.

    Returns:
        The larger of both differences, as a share of the largest logit.

    Raises:
        UserError: the second sample sees the first one, or its place in the row.
    """
    import torch

    generator = torch.Generator().manual_seed(7)
    size = model.get_input_embeddings().num_embeddings
    first, other, second = torch.randint(0, size, (3, LENGTH), generator=generator).tolist()
    was_training = model.training
    model.eval()
    alone = _logits(model, hardware, [second])
    packed = _logits(model, hardware, [first, second])[LENGTH:]
    changed = _logits(model, hardware, [other, second])[LENGTH:]
    model.train(was_training)
    scale = float(alone.abs().max()) or 1.0
    found = max(float((packed - changed).abs().max()), float((packed - alone).abs().max())) / scale
    if not found <= TOLERANCE[hardware.dtype]:
        raise UserError(
            f"packing would let samples read each other in this model: logits move by {found:.2g} of their size.",
            "Set train.packing to false, or install flash-attn on a CUDA device.",
        )
    return found


def _logits(model: Any, hardware: Hardware, samples: list[list[int]]) -> torch.Tensor:
    import torch
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    ids = [token for sample in samples for token in sample]
    row = {"input_ids": ids, "labels": ids, "seq_lengths": [len(sample) for sample in samples]}
    batch = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)([row])
    del batch["labels"]
    batch = {name: v.to(model.device) if isinstance(v, torch.Tensor) else v for name, v in batch.items()}
    low = hardware.dtype != "float32"
    cast = torch.autocast(hardware.device, getattr(torch, hardware.dtype)) if low else nullcontext()
    with torch.inference_mode(), cast:
        found: torch.Tensor = model(**batch, use_cache=False).logits[0].float()
    return found
