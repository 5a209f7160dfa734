import json
import random
from io import BytesIO

import pytest

from tilth.sources import json_scan
from tilth.sources.json_scan import pieces

GOOD = {"问": 'a "b" [c], {d}\\', "答": [{"x": []}, {}]}


def kinds(raw, **more):
    return [(piece.kind, piece.raw.decode()) for piece in pieces(BytesIO(raw), **more)]


def elements(*raws):
    return [("element", raw) for raw in raws]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"[]", []),
        (b" [ \n ] \n", []),
        (b'[{"a": 1}]', elements('{"a": 1}')),
        (b'\xef\xbb\xbf[{"a": 1},\r\n{"a": 2}]\r\n', elements('{"a": 1}', '{"a": 2}')),
        (b'[1, "x,]", null]', elements("1", '"x,]"', "null")),
        (b'[{"a": "\\\\"}, {"a": "\\""}]', elements('{"a": "\\\\"}', '{"a": "\\""}')),
        (b"[[1, 2], [3]]", elements("[1, 2]", "[3]")),
        (b"[1, , 2,]", [("element", "1"), ("blank", ""), ("element", "2")]),
        (b'[{"a": [1}, {"a": 2}]', elements('{"a": [1}', '{"a": 2}')),
        (b'[{"a": 1}}, {"a": 2}]', elements('{"a": 1}}', '{"a": 2}')),
        (b'[{"a": 1} {"a": 2}, 3]', elements('{"a": 1} {"a": 2}', "3")),
        (b'[{"a": 1}, {"a": "x}, {"a": 3}]', [("element", '{"a": 1}'), ("endless", '{"a": "x}, {"a": 3}]')]),
        (b'[{"a": 1}, {"a": {"b": 2}', [("element", '{"a": 1}'), ("endless", '{"a": {"b": 2}')]),
        (b'[{"a": 1}, {"a": 2, {"a": 3}]', elements('{"a": 1}', '{"a": 2, {"a": 3}')),
        (b'[{"a": 1}', [("element", '{"a": 1}'), ("unclosed", "")]),
        (b'[{"a": 1},\n', [("element", '{"a": 1}'), ("unclosed", "")]),
        (b"[", [("unclosed", "")]),
        (b'[{"a": 1}]\n{"b": 2}\n', [("element", '{"a": 1}'), ("after", '{"b": 2}')]),
        (b'[{"a": 1}], {"b": 2}, [3]', [("element", '{"a": 1}'), ("after", ', {"b": 2}, [3]')]),
    ],
)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_pieces(raw, found, chunk, monkeypatch):
    monkeypatch.setattr(json_scan, "CHUNK", chunk)
    assert kinds(raw) == found


@pytest.mark.parametrize("dumps", [{}, {"indent": 2}, {"separators": (",", ":"), "ensure_ascii": False}])
def test_offsets_lead_back_to_every_element(dumps):
    raw = json.dumps([{**GOOD, "n": n} for n in range(50)], **dumps).encode()
    found = list(pieces(BytesIO(raw)))
    assert [json.loads(piece.raw)["n"] for piece in found] == list(range(50))
    for piece in found:
        assert raw[piece.start : piece.start + len(piece.raw)] == piece.raw
        stream = BytesIO(raw)
        stream.seek(piece.start)
        assert next(pieces(stream, piece.start, piece.start + len(piece.raw))) == piece


@pytest.mark.parametrize("seed", range(30))
def test_the_parsers_way_and_the_scan_agree(seed, monkeypatch):
    """With the parser switched off the same pieces come out, however the array is broken."""
    rng = random.Random(seed)
    raw = bytearray(json.dumps([{**GOOD, "n": n} for n in range(20)], ensure_ascii=False).encode())
    for _ in range(rng.randrange(4)):
        at = rng.randrange(1, len(raw))
        raw[at : at + rng.randrange(2)] = rng.choice([b'"', b"}", b"]", b"{", b",", b"\\", b""])
    fast = list(pieces(BytesIO(raw)))
    monkeypatch.setattr(json_scan, "_TRIES", 0)
    assert list(pieces(BytesIO(raw))) == fast


def test_memory_is_that_of_one_element():
    """The scan never asks for much more than the element that it stands in."""

    class Counted(BytesIO):
        largest = 0

        def read(self, size=-1):
            Counted.largest = max(Counted.largest, size)
            return super().read(size)

    raw = b"[" + b", ".join([b'{"a": "' + b"x" * 3000 + b'"}'] * 2000) + b"]"
    assert sum(1 for _ in pieces(Counted(raw))) == 2000
    assert Counted.largest == json_scan.CHUNK
