"""What two runs say differently: samples added, removed and changed, and sides that moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilth.engine.replay import kept_samples
from tilth.sample import Sample
from tilth.store.folder import RunFolder


def diff(run_a: str | Path, run_b: str | Path) -> dict[str, list[dict[str, Any]]]:
    """`{added, removed, changed: [{place, before, after}], moved: [{id, from, to}]}`.

    Samples are the same where their id and its occurrence are: a row that only moved to another line has not
    changed. A row whose source was edited has a new id; where its place is the old one it counts as changed.

    Raises:
        FolderError: one of the two is no finished run.
    """
    old, new = _by_id(run_a), _by_id(run_b)
    changed = [
        _change(new[key].place, old[key], new[key])
        for key in new
        if key in old and _said(old[key]) != _said(new[key])
    ]
    gone = {s.place: s for key, s in old.items() if key not in new}
    fresh = {s.place: s for key, s in new.items() if key not in old}
    changed += [_change(place, gone[place], fresh[place]) for place in fresh if place in gone]
    return {
        "added": [_line(s) for place, s in fresh.items() if place not in gone],
        "removed": [_line(s) for place, s in gone.items() if place not in fresh],
        "changed": changed,
        "moved": [
            {"id": new[key].id, "from": old[key].split, "to": new[key].split}
            for key in new
            if key in old and old[key].split != new[key].split
        ],
    }


def _by_id(run: str | Path) -> dict[tuple[str, int], Sample]:
    folder = RunFolder(Path(run))
    folder.require_done()
    found: dict[tuple[str, int], Sample] = {}
    seen: dict[str, int] = {}
    for sample in kept_samples(folder):
        seen[sample.id] = seen.get(sample.id, 0) + 1
        found[sample.id, seen[sample.id]] = sample
    return found


def _said(sample: Sample) -> str:
    return "\n".join(f"{m.role}: {m.content}" for m in sample.messages)


def _change(place: str, before: Sample, after: Sample) -> dict[str, Any]:
    return {"place": place, "before": _said(before), "after": _said(after)}


def _line(sample: Sample) -> dict[str, Any]:
    return {"place": sample.place, "id": sample.id, "question": sample.question, "answer": sample.answer}
