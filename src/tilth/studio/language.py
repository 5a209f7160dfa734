"""Which language a browser wants."""

from __future__ import annotations

from tilth.pages.render import Language, language


def preferred(accepted: str) -> Language:
    """The best liked of our languages in an Accept-Language list, else that of this process."""
    ranked: list[tuple[float, Language]] = []
    for part in accepted.lower().split(","):
        name, _, quality = part.strip().partition(";q=")
        for ours in ("en", "zh"):
            if name == ours or name.startswith(f"{ours}-"):
                ranked.append((_number(quality), "zh" if ours == "zh" else "en"))
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else language()


def _number(quality: str) -> float:
    try:
        return float(quality or 1)
    except ValueError:
        return 0.0
