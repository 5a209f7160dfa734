"""What can happen to a sample. Importing this package registers every built-in operator."""

from __future__ import annotations

from tilth.operators import (  # noqa: F401  importing a family registers its operators
    augment,
    clean,
    decontaminate,
    dedup,
    denoise,
    filter,
    measure,
    normalize,
    privacy,
    select,
    split,
)
