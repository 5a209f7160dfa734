import os
from pathlib import Path

import pytest

from tilth.errors import SourceError
from tilth.sources import data_root, files_of
from tilth.sources.base import Spec

from .helpers import put

ROW = b'{"a": 1}\n'


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ("data/b.jsonl", "data/a.jsonl", "data/sub/c.json", "data/sub/d.csv.gz", "more/e.jsonl"):
        put(tmp_path, name, ROW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*paths):
    return [file.name for file in files_of([Spec(path) for path in paths]) if not file.skipped]


@pytest.mark.parametrize(
    ("paths", "root"),
    [
        (["data/a.jsonl"], "data"),
        (["a.jsonl"], "."),
        (["data"], "data"),
        (["data/sub/"], "data/sub"),
        (["data/*.jsonl"], "data"),
        (["data/*/c.json"], "data"),
        (["data/**/*.json"], "data"),
        (["data/s?b/c.json"], "data"),
        (["data/a.jsonl", "data/sub/c.json"], "data"),
        (["data/a.jsonl", "more/e.jsonl"], "."),
        (["data", "data/sub"], "data"),
        (["data/sub", "data/sub/c.json"], "data/sub"),
    ],
)
def test_the_data_root_depends_on_the_patterns_alone(tree, paths, root):
    assert data_root([Spec(path) for path in paths]) == (tree / root).resolve()


def test_folders_are_walked_in_order_of_name(tree):
    assert names("data") == ["a.jsonl", "b.jsonl", "sub/c.json", "sub/d.csv.gz"]
    assert names("data/**/*.json*") == ["a.jsonl", "b.jsonl", "sub/c.json"]
    assert names("data/*") == names("data")


def test_sources_keep_their_order_and_a_file_is_read_once(tree):
    assert names("more", "data/b.jsonl", "data/*.jsonl") == ["more/e.jsonl", "data/b.jsonl", "data/a.jsonl"]
    assert [file.source for file in files_of([Spec("data/b.jsonl"), Spec("data/*.jsonl")])] == [0, 1]


def test_a_new_file_renames_no_old_place(tree):
    before = names("data/sub/*")
    put(tree, "data/z.jsonl", ROW)
    put(tree, "data/sub/z/y.jsonl", ROW)
    assert set(before) < set(names("data/sub/*"))


def test_what_is_skipped_says_why(tree):
    for name in (
        "data/.hidden.jsonl",
        "data/.git/config.json",
        "data/x.pdf",
        "data/README.md",
        "data/dataset_info.json",
    ):
        put(tree, name, ROW)
    skipped = {file.name: file.skipped for file in files_of([Spec("data")]) if file.skipped}
    assert skipped == {
        ".hidden.jsonl": "hidden",
        "README.md": "about the data, not data; name the file itself to read it",
        "dataset_info.json": "about the data, not data; name the file itself to read it",
        "x.pdf": "of an unknown kind",
    }
    assert names("data") == ["a.jsonl", "b.jsonl", "sub/c.json", "sub/d.csv.gz"]
    assert names("data/README.md") == ["README.md"]


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are made otherwise elsewhere")
@pytest.mark.parametrize("path", ["data", "data/*", "data/**/*.jsonl"])
def test_links_that_lead_nowhere_and_pipes_are_passed_over_in_words(tree, path):
    (tree / "data/gone.jsonl").symlink_to("nowhere.jsonl")
    (tree / "data/round.jsonl").symlink_to("round.jsonl")
    (tree / "data/good.jsonl").symlink_to("a.jsonl")
    os.mkfifo(tree / "data/pipe.jsonl")
    skipped = {file.name: file.skipped for file in files_of([Spec(path)]) if file.skipped}
    assert skipped == {
        "gone.jsonl": "a link that leads nowhere",
        "round.jsonl": "a link that leads nowhere",
        "pipe.jsonl": "no file but a pipe, socket or device",
    }
    assert {"a.jsonl", "good.jsonl"} <= set(names(path))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data/a.josnl", r"data/a.josnl does not exist. Did you mean 'a.jsonl'\?"),
        ("nowhere/a.jsonl", "nowhere/a.jsonl does not exist"),
        ("data/*.txt", r"holds no file that can be read. Known kinds: .json"),
        ("empty", "empty holds no file that can be read"),
        ("odd", r"odd holds no file that can be read \(x.pdf: of an unknown kind\)"),
        ("odd/x.pdf", "odd/x.pdf is of an unknown kind. Known kinds: .json, .jsonl"),
    ],
)
def test_what_cannot_be_found_says_what_to_do(tree, path, message):
    (tree / "empty").mkdir()
    put(tree, "odd/x.pdf", ROW)
    with pytest.raises(SourceError, match=message):
        files_of([Spec(path)])


def test_no_sources():
    with pytest.raises(SourceError, match="names nothing"):
        data_root([])


def test_a_name_with_wild_characters_is_a_file(tree):
    put(tree, "data/f[1].jsonl", ROW)
    assert names("data/f[1].jsonl") == ["f[1].jsonl"]


@pytest.mark.skipif(os.name != "posix", reason="other systems allow only Unicode names")
def test_a_name_that_is_no_text_can_be_written_down(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.jsonl")).write_bytes(ROW)
    found = files_of([Spec(str(tmp_path))])
    assert [file.name for file in found] == ["\\udcff.jsonl"]
    assert Path(found[0].path).exists()
