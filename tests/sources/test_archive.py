import struct
import zipfile
from hashlib import blake2b

import pytest

from tilth.errors import SourceError
from tilth.sources import digest, files_of, plan, size_of, sniff
from tilth.sources.base import Spec
from tilth.sources.streams import COMPRESSED

from .helpers import put, read, told

ROWS = '{"问": "雨后的路为什么滑？"}\n{"问": "影子会累吗？"}\n'


def pack(path, files, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def listed(path):
    return {file.name: file.skipped for file in files_of([Spec(str(path))])}


@pytest.fixture
def archive(tmp_path):
    return pack(tmp_path / "set.zip", {"b.jsonl": ROWS, "deep/a.csv": "问,答\n天为什么黑？,日落了\n"})


def test_members_are_files_with_the_archive_as_their_folder(archive):
    parts = [part for shard in plan([Spec(str(archive))]) for part in shard.parts]
    assert [(part.name, part.layout) for part in parts] == [
        ("set.zip/b.jsonl", "lines"),
        ("set.zip/deep/a.csv", "table"),
    ]
    assert told(read(archive)) == [
        (1, {"问": "雨后的路为什么滑？"}),
        (2, {"问": "影子会累吗？"}),
        (1, {"问": "天为什么黑？", "答": "日落了"}),
    ]


@pytest.mark.parametrize("pattern", ["", "*", "*.zip"])
def test_archives_in_folders_and_globs(archive, pattern):
    put(archive.parent, "a.jsonl", ROWS)
    names = [name for name, why in listed(archive.parent / pattern).items() if not why]
    assert [name for name in names if ".zip/" in name] == ["set.zip/b.jsonl", "set.zip/deep/a.csv"]
    assert ("a.jsonl" in names) == (pattern != "*.zip")


def test_one_member_can_be_named(archive):
    assert listed(f"{archive}/b.jsonl") == {"b.jsonl": ""}
    assert sniff(f"{archive}/b.jsonl").layout == "lines"
    with pytest.raises(SourceError, match=r"set.zip holds no file c.jsonl. Did you mean 'b.jsonl'\?"):
        read(f"{archive}/c.jsonl")


def test_what_an_archive_holds_besides_data_says_why(tmp_path):
    inside = {
        "a.jsonl": ROWS,
        "__MACOSX/._a.jsonl": b"\0",
        ".git/x.json": "{}",
        "README.md": "x",
        "x.exe": "x",
    }
    found = listed(pack(tmp_path / "a.zip", inside))
    assert {name.removeprefix("a.zip/"): why for name, why in found.items()} == {
        "a.jsonl": "",
        "__MACOSX/._a.jsonl": "hidden",
        ".git/x.json": "hidden",
        "README.md": "about the data, not data; name the file itself to read it",
        "x.exe": "of an unknown kind",
    }


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_packed_file_in_an_archive(tmp_path, suffix):
    with COMPRESSED[suffix](tmp_path / f"a.jsonl{suffix}", "wb") as stream:
        stream.write(ROWS.encode())
    packed = (tmp_path / f"a.jsonl{suffix}").read_bytes()
    assert len(told(read(pack(tmp_path / "a.zip", {f"a.jsonl{suffix}": packed})))) == 2


@pytest.mark.parametrize("name", ["/a.jsonl", "./a.jsonl", "deep\\a.jsonl", "deep//a.jsonl"])
def test_names_as_careless_archivers_write_them(tmp_path, name):
    stand_in = "x" * len(name)
    path = pack(tmp_path / "a.zip", {stand_in: ROWS})
    path.write_bytes(path.read_bytes().replace(stand_in.encode(), name.encode()))
    (found,) = listed(path)
    assert found in ("a.zip/a.jsonl", "a.zip/deep/a.jsonl")
    assert len(told(read(path))) == 2


def test_names_in_the_encoding_of_a_chinese_windows(tmp_path):
    path = pack(tmp_path / "a.zip", {"wenti1.jsonl": ROWS})
    name = "问题".encode("gb18030") + b"x1.jsonl"
    assert len(name) == len(b"wenti1.jsonl")
    path.write_bytes(path.read_bytes().replace(b"wenti1.jsonl", name))
    assert listed(path) == {"a.zip/问题x1.jsonl": ""}
    assert len(told(read(path))) == 2


def test_a_damaged_member_harms_no_other(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.jsonl", ROWS)
        archive.writestr("b.jsonl", ROWS)
    path.write_bytes(path.read_bytes().replace("雨后".encode(), "风后".encode(), 1))
    found = told(read(path))
    assert [n for n, _ in found][-2:] == [1, 2]
    assert "the compressed file is damaged, the rest cannot be read: Bad CRC-32" in found[-3][1]
    assert len(digest(f"{path}/a.jsonl")) == 32


def test_what_cannot_be_unpacked_says_what_to_do(tmp_path):
    whole = pack(tmp_path / "a.zip", {"a.jsonl": ROWS})
    cut = put(tmp_path, "cut.zip", whole.read_bytes()[:-10])
    with pytest.raises(SourceError, match=r"cut.zip cannot be read as a zip archive: .* pack it again"):
        plan([Spec(str(cut))])
    data = bytearray(whole.read_bytes())
    entry = data.index(b"PK\1\2")
    for flags in (6, entry + 8):
        struct.pack_into("<H", data, flags, struct.unpack_from("<H", data, flags)[0] | 1)
    locked = put(tmp_path, "locked.zip", bytes(data))
    with pytest.raises(
        SourceError, match=r"locked.zip/a.jsonl cannot be unpacked: .*encrypted.*Unpack the archive"
    ):
        plan([Spec(str(locked))])


def test_size_and_digest_are_those_of_the_member(archive):
    assert size_of(f"{archive}/b.jsonl") == len(ROWS.encode())
    assert digest(f"{archive}/b.jsonl") == blake2b(ROWS.encode(), digest_size=16).hexdigest()
    with pytest.raises(SourceError, match=r"nothing.jsonl cannot be opened: No such file"):
        size_of(str(archive.parent / "nothing.jsonl"))


def test_a_folder_may_be_called_like_an_archive(tmp_path):
    path = put(tmp_path, "old.zip/a.jsonl", ROWS)
    assert listed(tmp_path) == {"old.zip/a.jsonl": ""}
    assert len(told(read(path))) == 2
