"""Turns of many users at a gateway, from this process: `with Load(address, …) as load: …`.

A thread of its own runs them; the case looks at the cluster meanwhile. Every turn is followed to its end.
"""

import asyncio
import itertools
import threading
from collections import Counter

import grpc
from penstock.gateway.v1 import turns_pb2_grpc

from kube.commands import Failed
from kube.tokens import token
from kube.turn import Turn

# Each channel has a connection of its own, as callers in many processes would.
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 1000),
                  ("grpc.initial_reconnect_backoff_ms", 200)]


class Answer:
    """What the simulator is asked to say: `tokens` words in `events` pieces, `interval_ms` apart."""

    def __init__(self, tokens, events, interval_ms):
        self.text = f"/sim tokens {tokens}\n/sim events {events}\n/sim interval {interval_ms}"
        self.expected = " ".join(f"t{number}" for number in range(1, tokens + 1))


class Load:
    """`callers` begin a new turn when theirs has ended, until `stop`; with `turns_each`, so many."""

    def __init__(self, address, callers, answer, turns_each=None, connections=10, patience_s=120, users="user"):
        self.address = address
        self.callers = callers
        self.answer = answer
        self.turns_each = turns_each
        self.connections = min(connections, callers)
        self.patience_s = patience_s
        self.users = users
        self.turns = []
        self._stopped = False
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped = True

    def stop(self):
        """No new turns; waits for the end of those under way, and tells what was wrong."""
        self._stopped = True
        return self.wait()

    def wait(self):
        self._thread.join(self.patience_s * 2 + 60)
        if self._error or self._thread.is_alive():
            raise Failed(f"the load did not end: {self._error}")
        return [turn.fault for turn in self.turns if turn.fault]

    def open(self):
        """Turns that were accepted and have no end yet."""
        return sum(1 for turn in list(self.turns) if turn.accepted_at and not turn.ended_at)

    def finished(self):
        return sum(1 for turn in list(self.turns) if turn.ended_at)

    def summary(self):
        ended = [turn for turn in self.turns if turn.ended_at]
        waits = sorted(turn.ended_at - turn.began for turn in ended)
        return {"turns": len(self.turns), "failed": sum(1 for turn in self.turns if turn.fault),
                "streams_broken_and_taken_up": sum(len(turn.breaks) for turn in ended),
                "breaks_by_code": dict(Counter(code for turn in self.turns for _, code, _ in turn.breaks)),
                "turns_started_again": sum(turn.restarts for turn in ended),
                "slowest_turn_s": round(waits[-1], 2) if waits else None}

    def _run(self):
        try:
            asyncio.run(self._run_all())
        except Exception as error:  # pylint: disable=broad-except
            self._error = error

    async def _run_all(self):
        channels = [grpc.aio.insecure_channel(self.address, options=OWN_CONNECTION) for _ in range(self.connections)]
        stubs = itertools.cycle([turns_pb2_grpc.TurnsStub(channel) for channel in channels])
        await asyncio.gather(*(self._call(number, next(stubs)) for number in range(self.callers)))
        for channel in channels:
            await channel.close()

    async def _call(self, number, stub):
        user = f"{self.users}-{number}"
        metadata = [("authorization", "Bearer " + token(user))]
        await asyncio.sleep(number * 0.005)
        for count in itertools.count():
            if self._stopped or (self.turns_each is not None and count >= self.turns_each):
                return
            turn = Turn(user, self.answer.text, self.answer.expected)
            self.turns.append(turn)
            await turn.follow(stub, metadata, self.patience_s)
            if turn.end is None and not turn.name:
                await asyncio.sleep(1)
