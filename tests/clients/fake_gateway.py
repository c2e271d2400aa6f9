"""Stands in for the gateway when the clients themselves are tested: turns, answered by providersim."""
import json
import queue
import sys
import urllib.request
from concurrent import futures

import grpc
from penstock.chat.v1 import message_pb2, turn_pb2
from penstock.gateway.v1 import turns_pb2_grpc


def chunks_of(messages, tools):
    body = {"model": "sim", "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    if tools:
        body["tools"] = tools
    for line in urllib.request.urlopen(sys.argv[1] + "/chat/completions", json.dumps(body).encode()):
        if line.startswith(b"data: {"):
            yield json.loads(line[6:])


def function_of(tool):
    return {"type": "function", "function": {"name": tool.name, "description": tool.description,
                                             "parameters": json.loads(tool.parameters), "strict": tool.strict}}


class Turns(turns_pb2_grpc.TurnsServicer):
    def __init__(self):
        self.results = {}

    def check_token(self, context):
        if dict(context.invocation_metadata()).get("authorization") != "Bearer good":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "token: not the good one")

    def StreamTurn(self, request, context):
        self.check_token(context)
        name = (request.session or "sessions/new") + "/turns/" + request.request_id
        self.results[name] = queue.Queue()
        yield turn_pb2.TurnEvent(index=1, accepted=turn_pb2.Accepted(turn=name, session=request.session))
        yield turn_pb2.TurnEvent(index=2, queued=turn_pb2.Queue(position=1))
        yield turn_pb2.TurnEvent(index=3, started=turn_pb2.Started(run=1, model="sim/sim"))
        turn = turn_pb2.Turn(name=name, state=turn_pb2.Turn.SUCCEEDED, finish_reason=message_pb2.STOP)
        messages = [{"role": "user", "content": request.turn.input[0].text.text}]
        tools = [function_of(tool) for tool in request.turn.overrides.tools]
        while True:
            calls = yield from self.step(messages, tools, turn)
            if not calls:
                break
            requested = turn_pb2.ToolCallsRequested(calls=[
                message_pb2.ToolCall(id=call["id"], name=call["function"]["name"],
                                     arguments=call["function"]["arguments"].encode()) for call in calls])
            yield turn_pb2.TurnEvent(index=5, tool_calls_requested=requested)
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            for result in self.results[name].get(timeout=30):
                messages.append({"role": "tool", "tool_call_id": result.tool_call_id,
                                 "content": ("Error: " if result.is_error else "") + result.content.decode()})
        yield turn_pb2.TurnEvent(index=6, finished=turn_pb2.Finished(turn=turn))

    def step(self, messages, tools, turn):
        """Yields the deltas of one answer, and returns its calls."""
        calls = []
        for chunk in chunks_of(messages, tools):
            for choice in chunk["choices"]:
                for piece in choice["delta"].get("tool_calls", []):
                    if "id" in piece:
                        calls.append({key: piece[key] for key in ("id", "type", "function")})
                    else:
                        calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
                        delta = turn_pb2.Delta(kind=turn_pb2.Delta.TOOL_ARGUMENTS,
                                               text=piece["function"]["arguments"])
                        yield turn_pb2.TurnEvent(index=4, delta=delta)
                if text := choice["delta"].get("content"):
                    yield turn_pb2.TurnEvent(index=4, delta=turn_pb2.Delta(kind=turn_pb2.Delta.TEXT, text=text))
            if chunk["usage"]:
                turn.usage.output_tokens += chunk["usage"]["completion_tokens"]
        return calls

    def SubmitToolResults(self, request, context):
        self.check_token(context)
        self.results[request.name].put(request.results)
        return turn_pb2.Turn(name=request.name, state=turn_pb2.Turn.QUEUED)


server = grpc.server(futures.ThreadPoolExecutor(4))
turns_pb2_grpc.add_TurnsServicer_to_server(Turns(), server)
print(f"ready 127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", flush=True)
server.start()
server.wait_for_termination()
