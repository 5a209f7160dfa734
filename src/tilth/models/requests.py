"""The answers that were paid for: a SQLite file beside the recipe, keyed by what was asked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tilth.errors import UserError
from tilth.models.base import Reply

FILE = Path(".tilth") / "requests.sqlite"
"""Where the answers lie, from the recipe's folder."""

_TABLE = """
create table if not exists requests (
    key text primary key, model text not null, payer text not null, request text not null,
    state text not null, reason text not null, text text not null,
    prompt_tokens integer not null, completion_tokens integer not null, thinking text not null default ''
) without rowid
"""
_COLUMNS = ("state", "reason", "text", "prompt_tokens", "completion_tokens", "thinking")
_SAID = ", ".join(_COLUMNS)


class Spent(NamedTuple):
    """What was paid for."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class RequestStore:
    """Answers by the key of their request. Several processes may use one file."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; `:memory:` is one that is never written."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma journal_mode=wal")
        # Safe against a kill of this process; a loss of power may cost the last answers, never the file.
        self._database.execute("pragma synchronous=normal")
        self._database.execute(_TABLE)
        self._widen()

    def _widen(self) -> None:
        """Give a file of an earlier version its column for what models thought."""
        if any(row[1] == "thinking" for row in self._database.execute("pragma table_info(requests)")):
            return
        try:
            self._database.execute("alter table requests add column thinking text not null default ''")
        except sqlite3.OperationalError as error:
            # Another process may have been faster.
            if "duplicate column" not in str(error):
                raise

    def find(self, key: str) -> Reply | None:
        """The answer to a request, if it was ever given."""
        row = self._database.execute(f"select {_SAID} from requests where key = ?", (key,)).fetchone()
        if row is None:
            return None
        return Reply(**dict(zip(_COLUMNS, row, strict=True)))

    def add(self, key: str, model: str, payer: str, request: str, reply: Reply) -> Reply:
        """Keep an answer; where another process was faster, its answer is the one that counts."""
        row = (key, model, payer, request, *(getattr(reply, name) for name in _COLUMNS))
        names = f"key, model, payer, request, {_SAID}"
        query = f"insert or ignore into requests ({names}) values ({', '.join('?' * len(row))})"
        done = self._database.execute(query, row)
        return reply if done.rowcount else self.find(key) or reply

    def spent(self, payer: str) -> Spent:
        """What a recipe paid for with one of its models, in all its runs."""
        sums = "count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0)"
        row = self._database.execute(f"select {sums} from requests where payer = ?", (payer,)).fetchone()
        return Spent(*row)

    def models(self) -> Iterator[dict[str, Any]]:
        """Requests and tokens of each model in the file."""
        sums = "count(*), sum(prompt_tokens), sum(completion_tokens)"
        names = ("model", "requests", "prompt_tokens", "completion_tokens")
        for row in self._database.execute(
            f"select model, {sums} from requests group by model order by model"
        ):
            yield dict(zip(names, row, strict=True))

    def mean_completion(self, model: str) -> float | None:
        """Tokens that an answer of this model had so far; `None` before the first."""
        query = "select avg(completion_tokens) from requests where model = ? and state = 'done'"
        found: float | None = self._database.execute(query, (model,)).fetchone()[0]
        return found

    def export(self) -> Iterator[dict[str, Any]]:
        """Every answer as a JSON value, in the order of the keys: the same answers give the same lines."""
        for key, request, *said in self._database.execute(
            f"select key, request, {_SAID} from requests order by key"
        ):
            reply = {n: value for n, value in zip(_COLUMNS, said, strict=True) if value or n != "thinking"}
            yield {"key": key, "request": json.loads(request), "reply": reply}

    def load(self, path: Path) -> int:
        """Take in an exported file; returns how many answers are new. They count as paid by nobody.

        Raises:
            UserError: a line is no exported answer, or its request was edited.
        """
        before = self._database.total_changes
        with path.open("rb") as handle:
            self._database.execute("begin")
            # The connection commits at the end of the block, or rolls back what a wrong line began.
            with self._database:
                for number, line in enumerate(handle, 1):
                    if line.strip():
                        self._take(line, f"{path}:{number}")
        return self._database.total_changes - before

    def _take(self, line: bytes, place: str) -> None:
        try:
            found = msgspec.json.decode(line, type=_Exported)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise UserError(f"{place} is no exported answer: {error}.", "Export the file again.") from None
        text = canonical(found.request)
        if key_of(text) != found.key:
            raise UserError(
                f"{place}: the request is not the one of its key.", "Take the line as it was exported."
            )
        self.add(found.key, str(found.request.get("model", "")), "", text, found.reply)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class _Exported(msgspec.Struct):
    key: str
    request: dict[str, Any]
    reply: Reply


def canonical(request: dict[str, Any]) -> str:
    """The one text of a request from which its key is made."""
    return json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def key_of(text: str) -> str:
    """32 hex digits of a canonical request."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
