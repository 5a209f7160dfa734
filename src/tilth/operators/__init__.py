"""What can happen to a sample. Importing this package registers every built-in operator."""

from __future__ import annotations

from tilth.operators import (  # noqa: F401  importing a family registers its operators
    annotate,
    augment,
    clean,
    decontaminate,
    dedup,
    denoise,
    denoise_grammar,
    filter,
    filter_gates,
    measure,
    measure_quality,
    normalize,
    privacy,
    select,
    split,
)
