"""The names a recipe may use, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Generic, TypeVar

from tilth.errors import NotFoundError, UserError, did_you_mean

T = TypeVar("T")

ENTRY_POINT_GROUP = "tilth"


class Registry(Generic[T]):
    """A table of names of one kind, for example operators or formats."""

    def __init__(self, kind: str, load: Callable[[str | None], None] = lambda name: None) -> None:
        """An empty table.

        Args:
            kind: what messages call an item.
            load: imports what may register a name, before somebody asks for it; told `None`, whatever registers any.
        """
        self.kind, self.load = kind, load
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T) -> T:
        """Register `item` under `name`.

        Raises:
            UserError: the name is taken by something else.
        """
        if name in self._items and self._items[name] is not item:
            raise UserError(f"the {self.kind} '{name}' is registered twice.", "Rename one of the two.")
        self._items[name] = item
        return item

    def get(self, name: str) -> T:
        """The item called `name`.

        Raises:
            NotFoundError: no such name; the message suggests the closest one.
        """
        if name not in self:
            raise NotFoundError(f"unknown {self.kind} '{name}'.", did_you_mean(name, self.names()))
        return self._items[name]

    def remove(self, name: str) -> None:
        """Forget a name, for example of a plugin file that was edited."""
        self._items.pop(name, None)

    def names(self) -> list[str]:
        """All names, sorted."""
        return [name for name, _ in self]

    def loaded(self) -> list[tuple[str, T]]:
        """What is registered by now, sorted; nothing is imported for it."""
        return sorted(self._items.items())

    def __contains__(self, name: object) -> bool:
        if name not in self._items and isinstance(name, str):
            self.load(name)
        return name in self._items

    def __iter__(self) -> Iterator[tuple[str, T]]:
        self.load(None)
        return iter(self.loaded())

    def __len__(self) -> int:
        return sum(1 for _ in self)


@cache
def load_entry_points() -> None:
    """Import what installed packages declare under the entry point group `tilth`, once in a process."""
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINT_GROUP):
        point.load()
