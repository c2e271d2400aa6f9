"""Runs one turn and prints it as it comes.
PENSTOCK_ADDRESS=127.0.0.1:7420 PENSTOCK_TOKEN=... chat.py [--session NAME] TEXT
"""
import argparse
import json
import os
import sys
import urllib.request
import uuid

import grpc
from penstock.chat.v1 import message_pb2, turn_pb2
from penstock.gateway.v1 import turns_pb2, turns_pb2_grpc


def acknowledge(gate, text):
    """Tells the simulator's gate how many tokens have arrived (for tests of streaming)."""
    body = json.dumps({"acknowledged": len(text.split())}).encode()
    urllib.request.urlopen(urllib.request.Request(gate, data=body, method="POST")).close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--session", default="", help="sessions/{session}; made if it does not exist")
    parser.add_argument("--gate", help="URL that is told after each token how many have arrived")
    parser.add_argument("text")
    arguments = parser.parse_args()

    stub = turns_pb2_grpc.TurnsStub(grpc.insecure_channel(os.environ["PENSTOCK_ADDRESS"]))
    words = message_pb2.Part(text=message_pb2.Text(text=arguments.text))
    spec = turn_pb2.TurnSpec(input=[words], create_session=bool(arguments.session))
    request = turns_pb2.StreamTurnRequest(
        session=arguments.session, request_id=str(uuid.uuid4()), turn=spec)
    metadata = [("authorization", f"Bearer {os.environ['PENSTOCK_TOKEN']}")]

    text = ""
    for event in stub.StreamTurn(request, metadata=metadata, timeout=60):
        match event.WhichOneof("event"):
            case "queued":
                print(f"place {event.queued.position}", file=sys.stderr)
            case "delta":
                text += event.delta.text
                print(event.delta.text, end="", flush=True)
                if arguments.gate:
                    acknowledge(arguments.gate, text)
            case "restarted":
                text = ""
                print("\n[again]")
            case "finished":
                turn = event.finished.turn
                state = turn_pb2.Turn.State.Name(turn.state)
                print(f"\n{state} {turn.usage.output_tokens} tokens {turn.error.message}".rstrip())
                return 0 if turn.state == turn_pb2.Turn.SUCCEEDED else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
