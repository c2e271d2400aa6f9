"""Stands in for the gateway when the clients themselves are tested: StreamTurn, answered by providersim."""
import json
import sys
import urllib.request
from concurrent import futures

import grpc
from penstock.chat.v1 import message_pb2, turn_pb2
from penstock.gateway.v1 import turns_pb2_grpc


class Turns(turns_pb2_grpc.TurnsServicer):
    def StreamTurn(self, request, context):
        if dict(context.invocation_metadata()).get("authorization") != "Bearer good":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "token: not the good one")
        said = request.turn.input[0].text.text
        name = (request.session or "sessions/new") + "/turns/" + request.request_id
        yield turn_pb2.TurnEvent(index=1, accepted=turn_pb2.Accepted(turn=name, session=request.session))
        yield turn_pb2.TurnEvent(index=2, queued=turn_pb2.Queue(position=1))
        yield turn_pb2.TurnEvent(index=3, started=turn_pb2.Started(run=1, model="sim/sim"))
        body = {"model": "sim", "messages": [{"role": "user", "content": said}], "stream": True,
                "stream_options": {"include_usage": True}}
        turn = turn_pb2.Turn(name=name, state=turn_pb2.Turn.SUCCEEDED, finish_reason=message_pb2.STOP)
        for line in urllib.request.urlopen(sys.argv[1] + "/chat/completions", json.dumps(body).encode()):
            if line.startswith(b"data: {"):
                chunk = json.loads(line[6:])
                for choice in chunk["choices"]:
                    if text := choice["delta"].get("content"):
                        yield turn_pb2.TurnEvent(index=4, delta=turn_pb2.Delta(kind=turn_pb2.Delta.TEXT, text=text))
                if chunk["usage"]:
                    turn.usage.output_tokens = chunk["usage"]["completion_tokens"]
        yield turn_pb2.TurnEvent(index=5, finished=turn_pb2.Finished(turn=turn))


server = grpc.server(futures.ThreadPoolExecutor(4))
turns_pb2_grpc.add_TurnsServicer_to_server(Turns(), server)
print(f"ready 127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", flush=True)
server.start()
server.wait_for_termination()
