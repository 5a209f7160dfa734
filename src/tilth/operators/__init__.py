"""What can happen to a sample. The modules of a family are imported when one of its operators is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "annotate": ("annotate",),
    "augment": ("augment", "augment_rules", "augment_synthesis"),
    "clean": (
        *("clean", "clean_boilerplate", "clean_html", "clean_markers", "clean_mojibake"),
        "list_numbers",
    ),
    "decontaminate": ("decontaminate",),
    "dedup": ("dedup", "near"),
    "denoise": ("denoise", "denoise_grammar", "denoise_sets", "wrong_characters"),
    "filter": ("filter", "filter_gates"),
    "measure": ("measure", "measure_quality", "measure_tokens", "list_numbers", "relevance"),
    "normalize": ("normalize",),
    "privacy": ("privacy",),
    "select": ("select",),
    "split": ("split", "grouped"),
}
"""Where the operators of each family are declared; a recipe that names two families imports no others."""


def load(name: str | None) -> None:
    """Import what may register an operator of this name; told `None`, everything."""
    families = FAMILIES if name is None else [name.partition(".")[0]]
    for family in families:
        for module in FAMILIES.get(family, ()):
            import_module(f"{__name__}.{module}")
