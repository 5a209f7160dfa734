import pytest

from tilth.errors import SourceError
from tilth.sources import spec_at
from tilth.sources.address import Address, is_address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf://datasets/a/b", Address("hf", "a/b", "main")),
        ("hf://datasets/a/b@v1.0", Address("hf", "a/b", "v1.0")),
        ("hf://datasets/a/b/data/x.jsonl", Address("hf", "a/b", "main", "data/x.jsonl")),
        ("hf://datasets/a/b@1f2e/data/", Address("hf", "a/b", "1f2e", "data")),
        ("ms://datasets/a-b/c_d.e", Address("ms", "a-b/c_d.e", "master")),
        ("ms://datasets/a/b/*.jsonl", Address("ms", "a/b", "master", "*.jsonl")),
    ],
)
def test_an_address_says_hub_set_revision_and_path(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "hf://a/b",
        "hf://datasets/a",
        "s3://bucket/a",
        "hf://datasets/a/b@",
        "hf://datasets/../b",
        "ms://datasets/a/b/../c",
    ],
)
def test_what_is_no_address_of_a_data_set_is_refused(text):
    assert is_address(text)
    with pytest.raises(SourceError, match=r"is no address of a data set. Write hf://datasets/OWNER/NAME"):
        parse_address(text)


def test_paths_are_no_addresses(tmp_path):
    assert not is_address("data/a.jsonl")
    assert not is_address("C:\\data\\a.jsonl")
    assert spec_at("data/*.jsonl", tmp_path).path == str(tmp_path / "data/*.jsonl")
    assert spec_at("data", tmp_path).address == ""


def test_files_lie_beside_the_recipe(tmp_path):
    spec = spec_at("hf://datasets/a/b/data/*.jsonl", tmp_path)
    assert spec.path == str(tmp_path / ".tilth/downloads/hf/a/b@main/data/*.jsonl")
    assert spec.address == "hf://datasets/a/b/data/*.jsonl"


def test_a_password_in_an_address_names_no_folder(tmp_path):
    assert ".tilth/downloads/web/x.test_8080/page-" in spec_at("http://me:pw@x.test:8080", tmp_path).path


@pytest.mark.parametrize(
    ("path", "name", "covered"),
    [
        ("", "deep/a.jsonl", True),
        ("data", "data/a.jsonl", True),
        ("data", "data2/a.jsonl", False),
        ("a.jsonl", "a.jsonl", True),
        ("a.jsonl", "b.jsonl", False),
        ("*.jsonl", "a.jsonl", True),
        ("**/*.jsonl", "a.jsonl", True),
        ("**/*.jsonl", "x/y/a.jsonl", True),
        ("*.jsonl", "a.csv", False),
        ("*.jsonl", "x/a.jsonl", False),
        ("*/train", "x/train/a.jsonl", True),
        ("*/train", "x/test/a.jsonl", False),
        ("x/**", "x/y/a.jsonl", True),
        ("f[1].jsonl", "f[1].jsonl", True),
    ],
)
def test_which_files_an_address_covers(path, name, covered):
    assert Address("hf", "a/b", "main", path).covers(name) is covered
