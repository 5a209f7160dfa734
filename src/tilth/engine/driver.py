"""Runs a recipe's data part into a run folder; running again resumes, and a changed step reruns from there."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

from tilth import __version__
from tilth.engine.asked import Kept
from tilth.engine.asking import Connector, Desk
from tilth.engine.costs import answers_in, cost_so_far, costs, models_of, paid
from tilth.engine.inputs import Inputs, lock_text, read_inputs
from tilth.engine.leaks import Proof, compare_questions, find_run_leaks
from tilth.engine.local import Workers, default_workers, seldom_collected
from tilth.engine.output import Written, write_data
from tilth.engine.people import decisions_key, exempted, heeded, person_function, wanted_steps, with_people
from tilth.engine.report import write_report
from tilth.engine.shard import Mark, Pass, Task, prepare_process, read_mark, run_shard
from tilth.engine.stage import Keys, StageState, clear, decide, stage_folder
from tilth.engine.tally import Tally, balance, merge
from tilth.recipe.check import load
from tilth.recipe.models import Named
from tilth.recipe.plan import Plan, Stage, Step, content_key, digest_of_file
from tilth.sample import Side
from tilth.sources.base import Shard
from tilth.sources.layout import encoding_hint
from tilth.store.decisions import standing
from tilth.store.files import read_json, sweep, write_json, write_text
from tilth.store.folder import RunFolder
from tilth.store.lock import locked
from tilth.store.splits import keep_splits, sides_of, write_splits

Progress = Callable[[str, int, int], None]
"""Told (step, done, total) as work goes on. Behind the name of a step that asks models stands what was paid so far."""

LAST = ("report/data.html", "report/data.json", "data/card.md", "run.json")
"""What is written when all is known."""
FAILED = "model_failed"
"""The reason of samples whose request never got an answer: the next run asks again."""


def run(
    recipe: str | Path | Plan,
    out: str | Path | None = None,
    *,
    assignments: Sequence[str] = (),
    workers: int | None = None,
    limit: int = 0,
    progress: Progress | None = None,
    connect: Callable[[Named], Any] | None = None,
) -> dict[str, Any]:
    """Run the data part of a recipe and return what `run.json` says.

    Args:
        recipe: a YAML file, the name of a shipped recipe, or a checked plan.
        out: the run folder; `runs/<recipe name>` by default.
        assignments: `key=value` overrides.
        workers: processes; one for each core by default. The result never depends on it.
        limit: stop after this many entries; 0 reads all.
        progress: called with (step, done, total).
        connect: makes the model of a name in the recipe; by default with the answers beside the recipe as its cache.

    Raises:
        RecipeError: the recipe has problems.
        SourceError: an input cannot be read.
        FolderError: another run works in the folder.
    """
    checked = recipe if isinstance(recipe, Plan) else load(recipe, list(assignments))
    folder = RunFolder(Path(out) if out is not None else Path("runs") / checked.name)
    with locked(folder.path):
        connector = Connector(checked)
        desk = Desk(connect or connector)
        try:
            told = progress or (lambda *_: None)
            prepare = partial(prepare_process, [checked.folder / name for name in checked.recipe.plugins])
            prepare()
            with seldom_collected(), Workers(workers or default_workers(), prepare) as processes:
                return _Run(checked, folder, processes, limit, told, desk).go()
        finally:
            desk.close()
            connector.close()


class _Run:
    """One run in a locked folder."""

    def __init__(
        self, plan: Plan, folder: RunFolder, workers: Workers, limit: int, progress: Progress, desk: Desk
    ) -> None:
        self.people = wanted_steps(plan, standing(folder.decisions))
        self.plan = with_people(plan, self.people)
        self.folder, self.workers, self.limit, self.progress = folder, workers, limit, progress
        self.desk = desk
        self.done = folder.steps / "done.json"
        self.before = splits_before(folder)
        self.exempt = exempted(self.plan, folder.decisions)

    def go(self) -> dict[str, Any]:
        """Do what is not done yet."""
        started = perf_counter()
        self.inputs = read_inputs(self.plan, self.limit)
        if self._finished():
            found: dict[str, Any] = read_json(self.folder.run_json)
            return found
        self._begin()
        states = self._stages()
        return self._finish(states, started)

    def _finished(self) -> bool:
        if not self.done.exists() or not self.folder.run_json.exists():
            return False
        try:
            done = read_json(self.done)
            same = done["key"] == self._final_key()
            files: dict[str, str] = done["files"]
            steps: list[dict[str, Any]] = read_json(self.folder.run_json)["steps"]
        except (ValueError, KeyError):
            return False
        failed = any(FAILED in step["reasons"] for step in steps)
        return (
            same
            and not failed
            and all(digest_of_file(str(self.folder.path / name)) == digest for name, digest in files.items())
        )

    def _begin(self) -> None:
        """Put the results of a finished run aside, and note which sides were given before this one."""
        stages = self.folder.steps.glob("stage-*")
        sweep(self.folder.path, self.folder.data, self.folder.report, self.folder.steps, *stages)
        if self.done.exists():
            self._archive()
            self.done.unlink()
            self.before.unlink(missing_ok=True)
        if not self.before.exists():
            keep_splits(self.folder.splits, self.before)
        write_text(self.folder.recipe, self.plan.text)
        write_text(self.folder.lock, lock_text(self.plan, self.inputs))
        write_json(
            self.folder.origin,
            {"folder": str(self.plan.folder), "document": self.plan.document, "people": self.people},
        )
        write_json(self.folder.run_json, {"status": "running", "counts": {}, "splits": {}, "steps": []})

    def _archive(self) -> None:
        numbers = [int(path.name) for path in self.folder.history.glob("[0-9]*") if path.name.isdecimal()]
        place = self.folder.history / f"{max(numbers, default=0) + 1:03d}"
        place.mkdir(parents=True)
        for path in (self.folder.run_json, self.folder.splits):
            if path.exists():
                shutil.copy2(path, place / path.name)

    @property
    def _seed(self) -> Any:
        step = self.plan.split_step
        return step.settings.get("seed") if step else None

    @cached_property
    def _history(self) -> dict[str, Side]:
        """Sides of earlier runs; a new seed draws a new split."""
        return sides_of(self.before, self._seed)

    def _final_key(self) -> str:
        recipe = self.plan.recipe
        shown = [recipe.name, recipe.data.to, recipe.data.max_quarantined, recipe.data.columns]
        compare = recipe.compare.questions if recipe.compare else ""
        files = digest_of_file(str(self.plan.folder / compare)) if isinstance(compare, str) else ""
        passed, sets = stage_keys(self.plan, self.inputs, self.exempt, self.folder)[-1]
        return content_key([passed, *sets][-1], shown, compare, files, self.plan.text, self.plan.document)

    def _stages(self) -> list[StageState]:
        states: list[StageState] = []
        for stage, (key, set_keys) in zip(
            self.plan.stages, stage_keys(self.plan, self.inputs, self.exempt, self.folder), strict=True
        ):
            folder = stage_folder(self.folder.steps, stage.index)
            marks = self._pass(stage, key, folder, states[-1] if states else None)
            state = StageState(folder, marks)
            for step, keys in zip(stage.sets, pairwise([key, *set_keys]), strict=True):
                exempt = self.exempt.get(step.name, frozenset())
                known_by = Keys(*keys)
                state.settle(
                    decide(state, step, known_by, exempt, self._history, self.workers, self.progress)
                )
            states.append(state)
        for path in self.folder.steps.glob("stage-*"):
            if int(path.name.split("-")[1]) > len(states):
                clear(path)
        return states

    def _pass(self, stage: Stage, key: str, folder: Path, before: StageState | None) -> list[Mark]:
        """Walk the stage's per-sample steps over all shards that are not done with this key."""
        shards = self.inputs.shards
        found = {s.index: mark for s in shards if (mark := read_mark(folder, s.index, key)) is not None}
        if not found:
            clear(folder)
        failed = (
            [index for index, mark in found.items() if FAILED in mark.tallies[0].reasons]
            if stage.waits
            else []
        )
        if failed:
            # What failed is asked again, so nothing behind this stage can stay.
            for later in self.plan.stages[stage.index + 1 :]:
                clear(stage_folder(self.folder.steps, later.index))
        for index in failed:
            del found[index]
        folder.mkdir(parents=True, exist_ok=True)
        tasks = [
            self._task(stage, key, folder, shard, before) for shard in shards if shard.index not in found
        ]
        for mark in self._walked(stage, tasks):
            found[mark.index] = mark
            if not (stage.waits and stage.waits.models):
                name = stage.steps[0].name if len(stage.steps) == 1 else f"stage {stage.index + 1}"
                self.progress(name, len(found), len(shards))
        return [found[shard.index] for shard in shards]

    def _walked(self, stage: Stage, tasks: Sequence[Task]) -> Iterable[Mark]:
        """The marks of shards that walk the stage now: in worker processes, or here where answers are waited for."""
        step = stage.waits
        if step is None:
            return self.workers.each(run_shard, tasks)
        if step.declared.kind == "person":
            return self._decided(step, tasks)

        def told(done: int, total: int) -> None:
            if step.models:
                paid_for = cost_so_far(self.desk.models.values())
                self.progress(f"{step.name} {paid_for}".rstrip(), done, total)

        return self.desk.walk(tasks, step, told)

    def _decided(self, step: Step, tasks: Sequence[Task]) -> Iterator[Mark]:
        function = person_function(step, heeded(self.plan, standing(self.folder.decisions)))
        for task in tasks:
            with Pass(task, [function]) as work:
                for samples, raws in work.chunks():
                    work.walk(samples, raws)
                yield work.finish()

    def _task(self, stage: Stage, key: str, folder: Path, shard: Shard, before: StageState | None) -> Task:
        exempt = {step.name: self.exempt[step.name] for step in stage.steps if step.name in self.exempt}
        common = (key, shard, folder, stage.steps, stage.sets, exempt)
        if before is None:
            return Task(*common, specs=self.inputs.specs, limit=self.limit)
        return Task(*common, before=before.layer(shard.index))

    def _finish(self, states: list[StageState], started: float) -> dict[str, Any]:
        shards, questions = self.inputs.shards, compare_questions(self.plan)
        kept = [Kept.of(states[-1].layer(shard.index)) for shard in shards]
        leaks = self.workers.beside(find_run_leaks, Proof(questions, kept), worth=len(shards) > 1)
        written = write_data(self.folder, states, shards, self.plan.target, self.workers, self.progress)
        if written.tally.quarantined:
            # The proof had begun with samples that the format cannot carry, and that nobody will read.
            leaks = self.workers.beside(find_run_leaks, Proof(questions, written.questions))
        read, tallies, blank = self._tallies(states, written)
        counts = balance(read, tallies, blank)
        history = self._history
        if self.plan.split_step:
            write_splits(self.folder.splits, self._sides(written), self._seed)
        status, reason = self._status(counts, [read, *tallies])
        result: dict[str, Any] = {
            "status": status,
            **({"reason": reason} if reason else {}),
            "counts": counts,
        }
        if self.inputs.not_read:
            result["not_read"] = self.inputs.not_read
        result["splits"] = {
            side: written.splits[side] for side in ("train", "validation", "test") if side in written.splits
        }
        result["steps"] = [tally.as_dict() for tally in [read, *tallies]]
        asked = models_of(self.plan)
        if asked:
            answers = answers_in([state.folder for state in states], len(self.inputs.shards))
            result["models"] = costs(asked, answers, counts["kept"])
        result["moved"] = [
            {"id": i, "from": history[i], "to": s}
            for i, s in (written.assigned() if history else ())
            if history.get(i, s) != s
        ]
        result["versions"] = {"tilth": __version__, "python": platform.python_version()}
        files = self._written()  # while another process may still make the proof
        write_report(
            self.plan, self.folder, result, [read, *tallies], leaks(), written, states[-1], self.inputs.files
        )
        sweep(self.folder.steps)
        result["timings"] = {"seconds": round(perf_counter() - started, 3)}
        if asked:
            result["timings"]["models"] = paid(self.desk.models)
        write_json(self.folder.run_json, result)
        keys = stage_keys(self.plan, self.inputs, self.exempt, self.folder)
        done = {"key": self._final_key(), "files": {**files, **self._digests(LAST)}}
        write_json(
            self.done, {**done, "stages": keys, "shards": len(self.inputs.shards), "limit": self.limit}
        )
        return result

    def _written(self) -> dict[str, str]:
        """Every file that is written before the report and that `tilth run` vouches for, with its digest."""
        names = ["recipe.yaml", "recipe.lock.yaml", "splits.jsonl"]
        names += [f"{door}.jsonl" for door in ("dropped", "quarantined", "held")]
        names += [f"data/{path.name}" for path in sorted(self.folder.data.iterdir())]
        return self._digests(set(names) - set(LAST))

    def _digests(self, names: Iterable[str]) -> dict[str, str]:
        return {name: digest_of_file(str(self.folder.path / name)) for name in sorted(names)}

    def _tallies(self, states: list[StageState], written: Written) -> tuple[Tally, list[Tally], int]:
        read = merge([mark.read] for mark in states[0].marks)
        tallies: list[Tally] = []
        for stage, state in zip(self.plan.stages, states, strict=True):
            walked = merge(mark.tallies for mark in state.marks) or [Tally(step.name) for step in stage.steps]
            tallies += walked + [state.tally(decided) for decided in state.decided]
        blank = sum(mark.blank for mark in states[0].marks)
        return (read[0] if read else Tally("read")), [*tallies, written.tally], blank

    def _sides(self, written: Written) -> Iterator[tuple[str, str]]:
        """Today's sides in data order, then those of samples that are not here today but may return."""
        left = dict(self._history)
        for sample_id, side in written.assigned():
            left.pop(sample_id, None)
            yield sample_id, side
        yield from left.items()

    def _encodings(self) -> list[str]:
        """What to say about the first file of each source that is read as UTF-8 and seems to be something else."""
        firsts = {
            part.source: part for shard in reversed(self.inputs.shards) for part in reversed(shard.parts)
        }
        found = (encoding_hint(part.path) for part in firsts.values() if part.encoding == "utf-8")
        return [hint for hint in found if hint]

    def _status(self, counts: Mapping[str, int], tallies: Sequence[Tally]) -> tuple[str, str]:
        most = self.plan.recipe.data.max_quarantined
        if counts["taken"] and counts["quarantined"] / counts["taken"] > most:
            share = (
                f"{counts['quarantined']} of {counts['taken']} entries were quarantined, more than {most:.0%}"
            )
            said = "".join(f" {hint[:1].upper()}{hint[1:]}" for hint in self._encodings())
            return "failed", f"{share}; see quarantined.jsonl, or raise data.max_quarantined.{said}"
        if counts["held"]:
            spent = [name for name, model in self.desk.models.items() if getattr(model, "is_spent_up", False)]
            why = f" The budget of {', '.join(spent)} is spent: raise it to go on." if spent else ""
            return "waiting", f"{counts['held']} samples are held; see held.jsonl.{why}"
        if not counts["kept"]:
            left = [(n, reason, t.name) for t in tallies for reason, n in t.reasons.items()]
            most_left = max(left, default=(0, "", ""), key=lambda row: row[0])
            why = f": {most_left[0]} samples left at {most_left[2]} ({most_left[1]})" if left else ""
            return "failed", f"nothing was kept{why}; see dropped.jsonl and quarantined.jsonl."
        return "done", ""


def splits_before(folder: RunFolder) -> Path:
    """The sides as they stood when the run began. A resumed run begins from the same ones."""
    return folder.steps / "splits-before.jsonl"


def stage_keys(
    plan_: Plan, inputs: Inputs, exempt: Mapping[str, frozenset[str]], folder: RunFolder
) -> list[tuple[str, list[str]]]:
    """For each stage the key of its pass, and the keys of its set steps. They come from content alone."""
    keys, previous = [], inputs.key
    decisions = heeded(plan_, standing(folder.decisions))
    for stage in plan_.stages:
        freed = [sorted(exempt.get(step.name, ())) for step in stage.steps]
        parts = [previous, [step.key_part() for step in stage.steps], freed]
        if stage.waits and stage.waits.declared.kind == "person":
            parts.append(decisions_key(stage.waits, decisions))
        previous = passed = content_key(*parts)
        sets = []
        for step in stage.sets:
            history = digest_of_file(str(splits_before(folder))) if step.declared.family == "split" else ""
            previous = content_key(previous, step.key_part(), sorted(exempt.get(step.name, ())), history)
            sets.append(previous)
        keys.append((passed, sets))
    return keys
