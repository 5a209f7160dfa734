"""What every format promises."""

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given, settings

import tilth.formats
from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .samples import CARRIED

HELPERS = {
    "__init__",
    "base",
    "columns",
    "detect",
    "guess",
    "instruction",
    "pairs",
    "rounds",
    "speech",
    "turns",
}
NAMES = FORMATS.names()
WRITTEN = [name for name, fmt in FORMATS if fmt.write is not None]
RICH = Sample(
    "00000000000000aa",
    "raw.jsonl:7",
    (
        Message("system", "你是天气助手。", name="甲"),
        Message("user", "明天要带伞吗？", loss=True),
        Message("assistant", "我查一下。", tool_calls=({"id": "c1", "function": {"name": "查天气"}},)),
        Message("tool", "有雨", tool_call_id="c9"),
        Message("assistant", "要带。", thinking="有雨就要带伞"),
        Message("user", "谢谢"),
    ),
    rejected=(Message("assistant", "不用。"), Message("user", "真的？")),
    label=False,
    tools=({"type": "function", "function": {"name": "查天气"}},),
)


def plain(name):
    """A small sample that the format can carry."""
    sample = Sample("a", "b:1", (Message("user", "问"), Message("assistant", "答")))
    more = {"preference": {"rejected": (Message("assistant", "否"),)}, "kto": {"label": True}}
    if name in ("questions", "text"):
        return sample.replace(messages=sample.messages[:1])
    return sample.replace(**more.get(name, {}))


def test_every_module_is_imported():
    folder = Path(tilth.formats.__file__).parent
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    wanted = {path.stem for path in folder.glob("*.py")} - HELPERS
    found = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "tilth.formats"
        for alias in node.names
    }
    assert found == wanted == set(NAMES)
    assert len(NAMES) == 23


def test_every_format_has_a_strategy():
    assert set(CARRIED) == {name for name, fmt in FORMATS if fmt.write is not None}


@pytest.mark.parametrize("name", WRITTEN)
def test_round_trip_loses_nothing(name):
    fmt = FORMATS.get(name)

    @settings(max_examples=30, deadline=None)
    @given(CARRIED[name])
    def check(sample):
        record = json.loads(json.dumps(fmt.write(sample), ensure_ascii=False))
        assert fmt.read(record, sample.id, sample.place) == sample
        assert fmt.write(fmt.read(record, sample.id, sample.place)) == record

    check()


@pytest.mark.parametrize("name", WRITTEN)
def test_a_record_does_not_depend_on_the_side(name):
    write, sample = FORMATS.get(name).write, plain(name)
    assert write(sample) == write(sample.replace(split="test")) == write(sample.replace(split="train"))


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - {"tilth"}))
def test_a_writer_refuses_what_its_shape_cannot_carry(name):
    with pytest.raises(FormatError, match=f"^{name} (cannot|can|needs)"):
        FORMATS.get(name).write(RICH)


@pytest.mark.parametrize("name", sorted(set(WRITTEN) - {"tilth", "preference", "kto"}))
@pytest.mark.parametrize("more", [{"rejected": (Message("assistant", "乙"),)}, {"label": True}])
def test_a_writer_never_drops_a_preference(name, more):
    sample = Sample("a", "b:1", (Message("user", "问"), Message("assistant", "甲")), **more)
    with pytest.raises(FormatError, match=f"^{name} cannot carry") as found:
        FORMATS.get(name).write(sample)
    assert found.value.hint.endswith("`preference`." if "rejected" in more else "`kto`.")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("record", [None, 7, "文字", [], {}, {"完全": "不同"}, [1], True])
def test_a_foreign_record_is_an_error_for_a_person(name, record):
    if (name, record) == ("text", "文字"):
        return
    with pytest.raises(FormatError, match=f"not a {name} record"):
        FORMATS.get(name).read(record, "a", "b:1")


@pytest.mark.parametrize("name", WRITTEN)
def test_unknown_keys_are_kept_and_read_ones_are_not_repeated(name):
    fmt = FORMATS.get(name)
    record = {**fmt.write(plain(name)), "来源": ["甲", 1], "Id": None}
    assert fmt.read(record, "a", "b:1").meta == {"来源": ["甲", 1], "Id": None}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_written_record_is_recognized_or_read_as_another(name):
    """What Tilth writes, Tilth reads with `--from auto`; twins such as `xtuner` are read as the wider shape."""
    twins = {
        "xtuner": "openai",
        "tsv": "csv",
        "llamafactory_alpaca": "alpaca",
        "llamafactory_sharegpt": "sharegpt",
        "coig_cqia": "alpaca",
    }
    assert tilth.formats.detect([FORMATS.get(name).write(plain(name))]).name == twins.get(name, name)


@pytest.mark.parametrize("name", NAMES)
def test_help_is_the_first_line_of_its_own_module(name):
    assert len(FORMATS.get(name).help) > 20
