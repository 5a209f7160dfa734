"""How fast a server may be asked: so many requests at once, and so many a second once it has said that it was too much.

It starts without a limit and falls to a little under what the server really answered when it refuses. What that first
refusal tells is rough, for answers may be on their way, so from there the rate grows by a share of itself. From the second
refusal on it follows a cubic curve, as TCP does (Ha, Rhee and Xu 2008): back quickly to where the server refused, long
near there, and then faster the longer nothing happens, so that a server that now allows more is found within seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque

CUT = 0.9
"""What a refusal leaves of the rate."""
BROAD_S = 10.0
"""Seconds beyond the level part of the curve after which the rate is twice that of the refusal."""
LEVEL_S = BROAD_S * (1 - CUT) ** (1 / 3)
"""Seconds after a refusal at which the rate is again that of the refusal."""
ROUGH_GROWTH = 0.25
"""Share of itself that the rate gains each second after the first refusal."""
WINDOW_S = 1.0
"""Seconds over which the answered requests are counted; refusals within it count as one."""
USED = 0.5
"""Share of the rate that must be made use of for it to grow."""
SLOWEST = 0.05
"""Requests a second below which the rate never falls."""
LONGEST_PAUSE_S = 300.0
"""A server that asks for a longer pause is asked again after this one."""


class Pace:
    """Lets requests through one by one, at most `most` at once. It belongs to one event loop."""

    def __init__(self, most: int) -> None:
        self._slots = asyncio.Semaphore(most)
        self._line = asyncio.Lock()
        self._answered: deque[float] = deque()
        self._next = 0.0
        self._cut_at = float("-inf")
        self._peak: float | None = None
        """The rate at which the server last refused; `None` while only a rough guess at it is known."""
        self._used_s = 0.0
        """Seconds since then in which the rate was made use of."""
        self.rate: float | None = None
        """Requests a second; `None` before the first refusal."""

    async def __aenter__(self) -> Pace:
        await self._slots.acquire()
        entered = False
        try:
            await self._turn()
            entered = True
        finally:
            if not entered:
                self._slots.release()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._slots.release()

    async def _turn(self) -> None:
        """Wait for this request's turn. Only the first in line knows its time: the rate may change before the others'."""
        if self.rate is None and self._next == 0.0:
            return
        now = asyncio.get_running_loop().time
        async with self._line:
            while (wait := self._next - now()) > 0:
                await asyncio.sleep(wait)
            if self.rate is not None:
                self._next = max(now(), self._next) + 1 / self.rate

    def answered(self) -> None:
        """The server answered: it may be asked a little faster. A rate that nobody makes use of does not grow."""
        now = asyncio.get_running_loop().time()
        self._answered.append(now)
        self._forget(now)
        if self.rate is None or len(self._answered) < USED * self.rate * WINDOW_S:
            return
        if self._peak is None:
            self.rate += ROUGH_GROWTH
        else:
            self._used_s += 1 / self.rate
            self.rate = self._peak * (1 + ((self._used_s - LEVEL_S) / BROAD_S) ** 3)

    def refused(self, pause_s: float | None) -> None:
        """The server said that it was too much.

        Args:
            pause_s: how long it asked to be left alone.
        """
        now = asyncio.get_running_loop().time()
        if pause_s is not None:
            self._next = max(self._next, now + min(pause_s, LONGEST_PAUSE_S))
        if now - self._cut_at < WINDOW_S:
            return
        self._forget(now)
        seen = max(len(self._answered) / WINDOW_S, 1.0)
        self._cut_at = now
        if self.rate is None:
            self.rate = max(SLOWEST, CUT * seen)
        else:
            self._peak = max(SLOWEST / CUT, min(self.rate, max(seen, self.rate / 2)))
            self._used_s = 0.0
            self.rate = CUT * self._peak
        self._next = max(self._next, now)

    def _forget(self, now: float) -> None:
        while self._answered and self._answered[0] < now - WINDOW_S:
            self._answered.popleft()
