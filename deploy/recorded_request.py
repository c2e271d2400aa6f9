"""Shows a request that providersim recorded: recorded_request.py URL NUMBER WORD.

Prints its messages. Exit status 1 when WORD does not stand in the notes of the newest user message,
or stands anywhere else in the request.
"""

import json
import sys
import urllib.request

# The simulator is on loopback, whatever proxy the environment names.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def parts_of(message):
    content = message["content"]
    return [content] if isinstance(content, str) else [part.get("text", "") for part in content]


def messages_of(body):
    """Anthropic's `system` stands beside the messages, not among them."""
    system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    return system + body["messages"]


def split_notes(text):
    """(notes, the rest) of the newest user message."""
    if not text.startswith("<notes>") or "</notes>" not in text:
        return "", text
    notes, _, rest = text.partition("</notes>")
    return notes + "</notes>", rest


def main(url, number, word):
    query = f"{url}/_sim/requests?since={int(number) - 1}&limit=1"
    with OPENER.open(query, timeout=10) as answer:
        requests = json.load(answer)["requests"]
    if not requests:
        print(f"providersim recorded no request {number}", file=sys.stderr)
        return 1
    body = requests[0]["body"]
    for message in messages_of(body):
        lines = "\n".join(parts_of(message)).splitlines()
        print(f"{message['role']:>10} | " + "\n           | ".join(lines))
    newest = body["messages"][-1]
    notes, rest = split_notes("\n".join(parts_of(newest)))
    elsewhere = json.dumps([{**body, "messages": body["messages"][:-1]}, rest], ensure_ascii=False)
    if word in notes and word not in elsewhere:
        print(f"    right: '{word}' stands in the notes of the newest message and nowhere else")
        return 0
    print(f"    WRONG: expected '{word}' in the notes of the newest message and nowhere else")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
