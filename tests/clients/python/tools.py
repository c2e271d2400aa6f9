"""Runs one turn whose model may call a tool of ours, `add`.
PENSTOCK_ADDRESS=127.0.0.1:7420 PENSTOCK_TOKEN=... tools.py 'Use add {"a": 2, "b": 3}'
"""
import json
import os
import sys
import uuid

import grpc
from penstock.chat.v1 import message_pb2, turn_pb2
from penstock.gateway.v1 import turns_pb2, turns_pb2_grpc

SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
          "required": ["a", "b"], "additionalProperties": False}
ADD = message_pb2.Tool(name="add", description="The sum of two numbers.",
                       parameters=json.dumps(SCHEMA).encode(), strict=True)


def run(call):
    """The result of one call. What the model wrote need not be what was asked for."""
    try:
        arguments = json.loads(call.arguments)
        content = json.dumps(arguments["a"] + arguments["b"])
        return message_pb2.ToolResult(tool_call_id=call.id, content=content.encode())
    except (ValueError, TypeError, KeyError) as error:
        return message_pb2.ToolResult(tool_call_id=call.id, content=repr(error).encode(), is_error=True)


def main():
    stub = turns_pb2_grpc.TurnsStub(grpc.insecure_channel(os.environ["PENSTOCK_ADDRESS"]))
    metadata = [("authorization", f"Bearer {os.environ['PENSTOCK_TOKEN']}")]
    words = message_pb2.Part(text=message_pb2.Text(text=sys.argv[1]))
    spec = turn_pb2.TurnSpec(input=[words], overrides=message_pb2.Overrides(tools=[ADD]))
    request = turns_pb2.StreamTurnRequest(request_id=str(uuid.uuid4()), turn=spec)

    name = ""
    for event in stub.StreamTurn(request, metadata=metadata, timeout=60):
        match event.WhichOneof("event"):
            case "accepted":
                name = event.accepted.turn
            case "delta" if event.delta.kind == turn_pb2.Delta.TEXT:
                print(event.delta.text, end="", flush=True)
            case "tool_calls_requested":
                calls = event.tool_calls_requested.calls
                stub.SubmitToolResults(turns_pb2.SubmitToolResultsRequest(
                    name=name, request_id=str(uuid.uuid4()), results=[run(call) for call in calls]),
                    metadata=metadata, timeout=10)
            case "finished":
                print("\n" + turn_pb2.Turn.State.Name(event.finished.turn.state))
                return 0 if event.finished.turn.state == turn_pb2.Turn.SUCCEEDED else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
