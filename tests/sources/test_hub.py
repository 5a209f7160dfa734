import hashlib
import json
import sys
from pathlib import Path

import pytest

from tilth.errors import MissingExtra, SourceError
from tilth.sources import files_of, plan, spec_at
from tilth.sources.reading import entries

from .helpers import told
from .loopback import Answer, page, serving

hub = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")

ROWS = "".join(f'{{"问": "第{n}片叶子去了哪里？"}}\n' for n in range(200)).encode()
COMMIT = "5f" * 20
FILES = {"data/a.jsonl": ROWS, "b.jsonl": b'{"n": 1}\n', "README.md": b"about", "model.bin": b"\0"}


@pytest.fixture
def site():
    with serving() as site:
        yield site


def offer_hf(site, files, commit=COMMIT, revision="main", **faults):
    siblings = []
    for name, data in files.items():
        sha256 = hashlib.sha256(data).hexdigest()
        lfs = {"sha256": sha256, "size": len(data), "pointerSize": 130}
        oid = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
        large = name.startswith("data/")
        siblings.append(
            {"rfilename": name, "size": len(data), "blobId": oid, **({"lfs": lfs} if large else {})}
        )
        headers = {"X-Repo-Commit": commit, "ETag": f'"{sha256 if large else oid}"'}
        served = [Answer(data, headers=headers)]
        for fault in faults.get(name, ()):
            served.insert(
                0, Answer(fault.body or data, fault.status, headers | fault.headers, fault.cut, fault.claim)
            )
        site.put(f"/datasets/o/n/resolve/{commit}/{name}", *served)
    listed = page({"id": "o/n", "sha": commit, "siblings": siblings})
    site.put(f"/api/datasets/o/n/revision/{revision}", listed)
    site.put(f"/api/datasets/o/n/revision/{commit}", listed)


def offer_ms(site, files, faults=None):
    rows = [{"Path": "data", "Type": "tree", "Size": 0}]
    for name, data in files.items():
        rows.append(
            {"Path": name, "Type": "blob", "Size": len(data), "Sha256": hashlib.sha256(data).hexdigest()}
        )
    for number, shown in enumerate([rows[:2], rows[2:], []], 1):
        query = f"Revision=master&Root=&Recursive=true&PageNumber={number}&PageSize=100"
        site.put(f"/api/v1/datasets/o/n/repo/tree?{query}", page({"Code": 200, "Data": {"Files": shown}}))
    site.put("/api/v1/datasets/o/n/repo", *(faults or []), Answer(ROWS))


@pytest.fixture
def hf(site, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"{site.url}/")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    yield site
    hub.close_session()


@pytest.fixture
def ms(site, monkeypatch):
    monkeypatch.setenv("MODELSCOPE_DOMAIN", site.url)
    return site


def names(text, folder):
    return [file.name for file in files_of([spec_at(text, folder)]) if not file.skipped]


def rows(text, folder):
    return [told(entries(part)) for shard in plan([spec_at(text, folder)]) for part in shard.parts]


def test_a_set_is_downloaded_once_and_read(hf, tmp_path):
    offer_hf(hf, FILES)
    assert names("hf://datasets/o/n", tmp_path) == ["b.jsonl", "data/a.jsonl"]
    assert [len(found) for found in rows("hf://datasets/o/n", tmp_path)] == [1, 200]
    home = tmp_path / ".tilth/downloads/hf/o/n@main"
    assert json.loads((home / ".fetched.json").read_text())["commit"] == COMMIT
    assert not (home / "model.bin").exists()
    asked = len(hf.asked)
    assert names("hf://datasets/o/n", tmp_path) == ["b.jsonl", "data/a.jsonl"]
    assert len(hf.asked) == asked


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/data", ["a.jsonl"]),
        ("/data/a.jsonl", ["a.jsonl"]),
        ("/*.jsonl", ["b.jsonl"]),
        ("/**/*.jsonl", ["b.jsonl", "data/a.jsonl"]),
    ],
)
def test_some_files_of_a_set(hf, tmp_path, path, found):
    offer_hf(hf, FILES)
    assert names(f"hf://datasets/o/n{path}", tmp_path) == found
    fetched = {path.split("/resolve/")[1].split("/", 1)[1] for path in hf.paths() if "/resolve/" in path}
    assert {Path(name).name for name in fetched} == {Path(name).name for name in found}


def test_what_is_noted_beside_the_files_is_no_file_that_was_not_read(hf, tmp_path):
    offer_hf(hf, FILES)
    found = files_of([spec_at("hf://datasets/o/n", tmp_path)])
    assert [file.name for file in found] == ["README.md", "b.jsonl", "data/a.jsonl"]


def test_a_branch_is_followed_once(hf, tmp_path):
    offer_hf(hf, FILES)
    assert names("hf://datasets/o/n/b.jsonl", tmp_path) == ["b.jsonl"]
    offer_hf(hf, FILES | {"b.jsonl": b'{"n": 2}\n'}, commit="6a" * 20)
    offer_hf(hf, FILES, revision="v0")
    assert len(rows("hf://datasets/o/n/data", tmp_path)[0]) == 200
    assert hf.paths()[-1].startswith(f"/datasets/o/n/resolve/{COMMIT}/")


def test_a_broken_connection_is_taken_up_where_it_broke(hf, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    offer_hf(hf, FILES, **{"data/a.jsonl": [Answer(cut=3000)]})
    assert len(rows("hf://datasets/o/n/data", tmp_path)[0]) == 200
    assert [
        headers.get("Range")
        for method, path, headers in hf.asked
        if method == "GET" and path.endswith("/a.jsonl")
    ] == [
        None,
        "bytes=3000-",
    ]


@pytest.mark.parametrize("name", ["data/a.jsonl", "b.jsonl"])
def test_other_bytes_than_promised_are_thrown_away(hf, tmp_path, name):
    wrong = Answer(bytes(len(FILES[name])))
    offer_hf(hf, FILES, **{name: [wrong]})
    with pytest.raises(SourceError, match=rf"{name} arrived with another checksum than the hub promises"):
        names("hf://datasets/o/n", tmp_path)
    assert not (tmp_path / ".tilth/downloads/hf/o/n@main" / name).exists()
    assert names("hf://datasets/o/n", tmp_path) == ["b.jsonl", "data/a.jsonl"]


def test_a_file_that_was_cut_on_the_disk_is_fetched_again(hf, tmp_path):
    offer_hf(hf, FILES)
    names("hf://datasets/o/n", tmp_path)
    path = tmp_path / ".tilth/downloads/hf/o/n@main/data/a.jsonl"
    path.write_bytes(ROWS[:100])
    assert [len(found) for found in rows("hf://datasets/o/n", tmp_path)] == [1, 200]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hf://datasets/o/missing", r"o/missing cannot be downloaded from Hugging Face: .*404.* HF_ENDPOINT"),
        ("hf://datasets/o/n/c.jsonl", r"no file there. Did you mean 'b.jsonl'\?"),
        ("hf://datasets/o/n/date", r"no file there. Did you mean 'data'\?"),
        ("hf://datasets/o/n/model.bin", "no file of a kind that can be read"),
    ],
)
def test_what_a_hub_does_not_have_says_what_to_do(hf, tmp_path, text, message):
    offer_hf(hf, FILES)
    with pytest.raises(SourceError, match=message):
        names(text, tmp_path)


def test_without_the_network_what_is_there_is_read(hf, tmp_path, monkeypatch):
    offer_hf(hf, FILES)
    names("hf://datasets/o/n", tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert names("hf://datasets/o/n", tmp_path) == ["b.jsonl", "data/a.jsonl"]
    with pytest.raises(SourceError, match="not downloaded yet, and HF_HUB_OFFLINE forbids it"):
        names("hf://datasets/o/n@v2", tmp_path)


@pytest.mark.parametrize("name", ["../evil.jsonl", "/tmp/evil.jsonl", "a\\..\\..\\evil.jsonl"])
def test_a_hub_cannot_write_outside_the_folder(ms, tmp_path, name):
    offer_ms(ms, {name: ROWS})
    with pytest.raises(SourceError, match="names a file outside the data set"):
        names("ms://datasets/o/n", tmp_path)


def test_modelscope_lists_page_by_page(ms, tmp_path):
    offer_ms(ms, {"data/a.jsonl": ROWS, "b.bin": b""})
    assert len(rows("ms://datasets/o/n", tmp_path)[0]) == 200
    assert ms.paths()[-1] == "/api/v1/datasets/o/n/repo?Revision=master&FilePath=data%2Fa.jsonl"
    asked = len(ms.asked)
    assert names("ms://datasets/o/n", tmp_path) == ["data/a.jsonl"]
    assert len(ms.asked) == asked


SOON = {"Retry-After": "0"}


@pytest.mark.parametrize(
    "fault",
    [
        Answer(b"slow down", 429, SOON),
        Answer(b"oops", 503, SOON),
        Answer(ROWS, cut=3000),
        Answer(ROWS[:3000]),
        Answer(ROWS + b"more"),
    ],
    ids=["429", "503", "cut", "short", "long"],
)
def test_modelscope_faults_that_pass_are_waited_out(ms, tmp_path, fault):
    offer_ms(ms, {"a.jsonl": ROWS}, [fault])
    assert len(rows("ms://datasets/o/n", tmp_path)[0]) == 200


def test_modelscope_goes_on_where_an_earlier_run_stopped(ms, tmp_path):
    offer_ms(ms, {"a.jsonl": ROWS}, [Answer(ROWS, cut=5000), Answer(b"gone", 404)])
    with pytest.raises(SourceError, match="o/n cannot be downloaded from ModelScope: .*404"):
        names("ms://datasets/o/n", tmp_path)
    offer_ms(ms, {"a.jsonl": ROWS})
    assert len(rows("ms://datasets/o/n", tmp_path)[0]) == 200
    assert ms.asked[-1][2]["Range"] == "bytes=5000-"


def test_a_server_that_knows_no_ranges_sends_it_all_again(ms, tmp_path):
    offer_ms(ms, {"a.jsonl": ROWS}, [Answer(ROWS, cut=5000), Answer(ROWS, ranges=False)])
    assert len(rows("ms://datasets/o/n", tmp_path)[0]) == 200


def test_modelscope_checksums(ms, tmp_path):
    offer_ms(ms, {"a.jsonl": ROWS}, [Answer(bytes(len(ROWS)))])
    with pytest.raises(SourceError, match="a.jsonl arrived with another checksum"):
        names("ms://datasets/o/n", tmp_path)
    assert names("ms://datasets/o/n", tmp_path) == ["a.jsonl"]


def test_modelscope_refusals_are_passed_on(ms, tmp_path):
    ms.put("/api/v1/datasets/o/n/repo/tree", page({"Code": 10010, "Message": "dataset not found"}))
    with pytest.raises(SourceError, match="does not list o/n@master: dataset not found"):
        names("ms://datasets/o/n", tmp_path)


@pytest.mark.parametrize("scheme", ["hf", "ms"])
def test_the_libraries_are_optional(tmp_path, monkeypatch, scheme):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tilth\[hub\]'"):
        names(f"{scheme}://datasets/o/n", tmp_path)
