"""The rate of asking, in a time that jumps from event to event: minutes pass in a moment, and always in the same way."""

from __future__ import annotations

import asyncio
import selectors

import pytest

from tilth.models.pace import Pace


class Jumping(selectors.DefaultSelector):
    """Waits for nothing: where an event loop would sleep, its time goes on by as much."""

    now = 0.0

    def select(self, timeout=None):
        self.now += timeout or 0.0
        return super().select(0)


class Server:
    """Answers `rate` requests a second at most, out of a bucket that holds one second of them."""

    def __init__(self, latency_s, rate):
        self.latency_s, self.rate, self.left, self.at = latency_s, rate, rate(0), 0.0
        self.answered, self.refused = [], []

    async def ask(self, pace):
        loop = asyncio.get_running_loop()
        while True:
            async with pace:
                now, rate = loop.time(), self.rate(loop.time())
                self.left = min(rate, self.left + (now - self.at) * rate)
                self.at = now
                if self.left >= 1:
                    self.left -= 1
                    await asyncio.sleep(self.latency_s)
                    self.answered.append(loop.time())
                    pace.answered()
                    return
                self.refused.append(now)
                await asyncio.sleep(0.002)
                pace.refused(None)
            await asyncio.sleep(0.3)

    def rate_in(self, start, end):
        return sum(start <= t < end for t in self.answered) / (end - start)

    def worst_second(self, start):
        return max(
            (sum(s <= t < s + 1 for t in self.refused) for s in range(start, int(self.at) + 1)), default=0
        )


def play(latency_s, rate, seconds, slots=64):
    """What a server saw that was asked as fast as the pace allows, for so long."""
    selector = Jumping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now
    server, pace = Server(latency_s, rate), Pace(slots)
    server.pace = pace

    async def one():
        while loop.time() < seconds:
            await server.ask(pace)

    async def go():
        await asyncio.gather(*(one() for _ in range(slots)))

    try:
        loop.run_until_complete(go())
    finally:
        loop.close()
    return server


@pytest.mark.parametrize("latency_s", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("rate", [3, 20, 50])
def test_it_settles_near_what_the_server_allows_and_stays_without_storms(latency_s, rate):
    server = play(latency_s, lambda now: rate, 80)
    assert server.rate_in(20, 80) > 0.97 * rate
    assert len([t for t in server.refused if t >= 20]) < 0.02 * 60 * rate + 8
    assert server.worst_second(3) <= rate / 2


def test_those_who_wait_already_profit_from_a_rate_that_grows():
    """64 requests wait when the first refusal has cut the rate to one a second."""
    server = play(1.0, lambda now: 20, 20)
    assert server.rate_in(8, 12) > 18


def test_a_server_that_allows_more_later_is_found_within_seconds():
    server = play(0.2, lambda now: 10 if now < 30 else 40, 80)
    assert server.rate_in(20, 30) > 9.5
    assert server.rate_in(44, 80) > 38


def test_a_server_that_allows_less_later_is_met_at_once():
    server = play(0.2, lambda now: 40 if now < 30 else 10, 80)
    assert server.rate_in(20, 30) > 38
    assert server.rate_in(34, 80) > 9.5
    assert server.worst_second(33) <= 3


def test_a_rate_that_is_not_made_use_of_does_not_grow():
    """Four slots ask eight times a second at most, whatever the server allows."""
    server = play(0.5, lambda now: 4 if now < 5 else 1000, 200, slots=4)
    assert server.rate_in(40, 200) > 7.5
    assert 7.5 < server.pace.rate < 20
