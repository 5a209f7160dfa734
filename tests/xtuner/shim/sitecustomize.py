"""Lets XTuner 0.1.17 run where there is no CUDA; for tests only, and only in the interpreter XTUNER_CPU_SHIM names.

XTuner's mixed precision, its kernels and its calls of `.cuda()` need a GPU. Here the configuration is read in full
precision, the kernels are left out, and `.cuda()` does nothing.
"""

import os
import sys
import types
from pathlib import Path

CHANGES = (
    ("AmpOptimWrapper", "OptimWrapper"),
    ('    loss_scale="dynamic",\n', ""),
    ('    dtype="float16",\n', ""),
    ("torch.float16", "torch.float32"),
    ('backend="nccl"', 'backend="gloo"'),
)


def no_kernel(*_arguments, **_more):
    raise RuntimeError("there are no triton kernels on a CPU")


def read_for_cpu(original):
    def read(filename, *arguments, **more):
        path = Path(filename)
        text = path.read_text(encoding="utf-8")
        for old, new in CHANGES:
            text = text.replace(old, new)
        changed = path.with_name(f"{path.stem}_cpu.py")
        changed.write_text(text, encoding="utf-8")
        found = original(str(changed), *arguments, **more)
        found._filename = str(path)
        return found

    return read


if os.environ.get("XTUNER_CPU_SHIM") == sys.prefix:
    kernels = types.ModuleType("xtuner.model.modules.dispatch.triton_kernels")
    kernels.apply_rotary_emb = kernels.rms_norm_forward = kernels.layer_norm_forward = no_kernel
    sys.modules[kernels.__name__] = kernels
    program = Path(sys.argv[0]).name if sys.argv else ""
    if program == "merge.py":
        sys.argv += ["--device", "cpu"]
    if program in ("train.py", "pth_to_hf.py", "merge.py", "chat.py"):
        import torch
        from mmengine.config import Config

        torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_arguments, **_more: self
        Config.fromfile = staticmethod(read_for_cpu(Config.fromfile))
