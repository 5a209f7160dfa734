"""How fast a server may be asked: so many requests at once, and so many a second once it has said that it was too much.

The rate follows additive increase, multiplicative decrease (Chiu and Jain 1989): it starts without a limit, falls to a
little under what the server really answered when it refuses, and then feels its way up again.
"""

from __future__ import annotations

import asyncio
from collections import deque

CUT = 0.9
"""What a refusal leaves of the rate."""
GROWTH = 0.25
"""Requests a second that the rate gains each second."""
WINDOW_S = 1.0
"""Seconds over which the answered requests are counted; refusals within it count as one."""
SLOWEST = 0.05
"""Requests a second below which the rate never falls."""
LONGEST_PAUSE_S = 300.0
"""A server that asks for a longer pause is asked again after this one."""


class Pace:
    """Lets requests through one by one, at most `most` at once. It belongs to one event loop."""

    def __init__(self, most: int) -> None:
        self._slots = asyncio.Semaphore(most)
        self._answered: deque[float] = deque()
        self._next = 0.0
        self._cut_at = float("-inf")
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
        """Wait for this request's turn. The turns are spaced by the rate, and never given twice."""
        if self.rate is None and self._next == 0.0:
            return
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        if self.rate is not None:
            self._next = turn + 1 / self.rate
        if turn > now:
            await asyncio.sleep(turn - now)

    def answered(self) -> None:
        """The server answered: it may be asked a little faster."""
        now = asyncio.get_running_loop().time()
        self._answered.append(now)
        self._forget(now)
        if self.rate is not None:
            self.rate += GROWTH / self.rate

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
        self.rate = max(
            SLOWEST, CUT * (seen if self.rate is None else min(self.rate, max(seen, self.rate / 2)))
        )
        self._next = max(self._next, now)

    def _forget(self, now: float) -> None:
        while self._answered and self._answered[0] < now - WINDOW_S:
            self._answered.popleft()
