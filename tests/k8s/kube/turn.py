"""One turn as its caller lives it: streamed, taken up again where a stream breaks, and judged at its end."""

import asyncio
import time
import uuid

import grpc
from penstock.chat.v1 import message_pb2, turn_pb2
from penstock.gateway.v1 import turns_pb2

# What a caller that means to see the end repeats after.
BROKEN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN,
          grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL}
PAUSE_S = 0.2


class Turn:
    """`follow` ends when the turn has, or `seconds` are over; then `fault` is None if all was well."""

    def __init__(self, user, text, expected, session=""):
        self.user = user
        self.expected = expected
        self.request = turns_pb2.StreamTurnRequest(
            session=session, request_id=str(uuid.uuid4()),
            turn=turn_pb2.TurnSpec(input=[message_pb2.Part(text=message_pb2.Text(text=text))],
                                   create_session=bool(session),
                                   memory=turn_pb2.MemoryUse(remember=False)))
        self.name = ""
        self.deltas = []
        self.last_index = 0
        self.breaks = []
        self.restarts = 0
        self.end = None
        self.began = self.accepted_at = self.started_at = self.ended_at = None

    async def follow(self, stub, metadata, seconds):
        self.began = time.monotonic()
        while self.end is None and time.monotonic() - self.began < seconds:
            try:
                await self._watch_once(stub, metadata, self.began + seconds - time.monotonic())
            except grpc.aio.AioRpcError as error:
                self.breaks.append((time.monotonic(), error.code().name, error.details()))
                if error.code() not in BROKEN:
                    return
                await asyncio.sleep(PAUSE_S)

    async def _watch_once(self, stub, metadata, seconds):
        if self.name:
            call = stub.WatchTurn(turns_pb2.WatchTurnRequest(name=self.name, after_index=self.last_index),
                                  metadata=metadata, timeout=seconds)
        else:
            call = stub.StreamTurn(self.request, metadata=metadata, timeout=seconds)
        async for event in call:
            self._see(event)

    def _see(self, event):
        kind = event.WhichOneof("event")
        self.last_index = event.index
        if kind == "accepted":
            self.name = event.accepted.turn
            self.accepted_at = self.accepted_at or time.monotonic()
        elif kind == "started":
            self.started_at = self.started_at or time.monotonic()
        elif kind == "delta":
            self.deltas.append((event.index, event.delta.text))
        elif kind == "restarted":
            self.restarts += 1
            self.deltas = [delta for delta in self.deltas if delta[0] <= event.restarted.keep_through_index]
        elif kind == "finished":
            self.end = event.finished.turn
            self.ended_at = time.monotonic()

    @property
    def fault(self):
        """What went wrong, or None. A broken stream that was taken up again is no fault."""
        if self.end is None:
            stage = "acknowledged and without an end" if self.name else "never acknowledged"
            return f"{stage}: {self.name or self.user}, last: {self.breaks[-1:]}"
        if self.end.state != turn_pb2.Turn.SUCCEEDED:
            return f"{self.name} {turn_pb2.Turn.State.Name(self.end.state)}: {self.end.error.message}"
        stored = "".join(part.text.text for message in self.end.output for part in message.parts)
        if stored != self.expected:
            return f"{self.name}: stored {stored[:60]!r}, expected {self.expected[:60]!r}"
        seen = "".join(text for _, text in self.deltas)
        if seen != stored:
            return f"{self.name}: streamed {seen[-60:]!r}, stored {stored[-60:]!r}"
        return None
