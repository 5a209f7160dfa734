import pytest

from tilth.errors import MissingExtra
from tilth.sources import streams

from .helpers import put, read, told
from .test_archive import pack

zstd = pytest.importorskip("backports.zstd")

ROWS = b"".join(b'{"n": %d}\n' % n for n in range(2000))


def test_frames_follow_one_another(tmp_path):
    path = put(tmp_path, "a.jsonl.zst", zstd.compress(ROWS) + zstd.compress(b'{"n": 2000}\n'))
    assert told(read(path)) == [(n + 1, {"n": n}) for n in range(2001)]
    assert len(read(pack(tmp_path / "a.zip", {"a.jsonl.zst": path.read_bytes()}))) == 2001


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [("a.json.zst", "\ufeff[1, 2, 3]", 3), ("a.csv.zst", "问\n答\n", 1), ("a.md.zst", "\ufeff一篇", 1)],
)
def test_every_layout(tmp_path, name, text, count):
    found = read(put(tmp_path, name, zstd.compress(text.encode())))
    assert [entry.error for entry in found] == [""] * count


@pytest.mark.parametrize("harm", [lambda data: data[:-20], lambda data: data + b"this is no frame"])
def test_damage_is_one_entry_behind_what_could_be_read(tmp_path, harm):
    data = zstd.compress(ROWS)
    found = read(put(tmp_path, "a.jsonl.zst", harm(data)))
    assert found[-1].error.startswith("the compressed file is damaged, the rest cannot be read")
    assert all(not entry.error for entry in found[:-1])


def test_large_windows_are_read(tmp_path):
    options = {
        zstd.CompressionParameter.window_log: 28,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    packer = zstd.ZstdCompressor(options=options)
    # Written in pieces, the frame does not know its size and asks for its whole window.
    data = packer.compress(ROWS) + packer.flush()
    assert zstd.get_frame_info(data).decompressed_size is None
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(data)
    assert len(read(put(tmp_path, "a.jsonl.zst", data))) == 2000


def test_the_library_is_optional(tmp_path, monkeypatch):
    path = put(tmp_path, "a.jsonl.zst", zstd.compress(ROWS))
    monkeypatch.setattr(streams, "zstd", None)
    with pytest.raises(MissingExtra, match=r"reading .zst files needs .* pip install 'tilth\[zstd\]'"):
        read(path)
