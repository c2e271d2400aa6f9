"""The same load through naive retry, LiteLLM's proxy and Penstock, before a provider with limits.

compare.py FIGURES.json PLOT.png: how much of what the provider allows each of them used, and how
often it was refused there, counted by the provider. One after the other; everything on loopback.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import grpc
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # noqa: E402
from penstock.chat.v1 import message_pb2, turn_pb2  # noqa: E402
from penstock.gateway.v1 import turns_pb2, turns_pb2_grpc  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
BINARIES = ROOT / "build/release/bin"
SECONDS = int(os.environ.get("LIMITERS_SECONDS", "240"))
# Counted from then on: levels and lines have settled.
FROM = SECONDS // 4
SAMPLE_SECONDS = 5

TOKENS_PER_MINUTE = 300_000
MEAN_OUTPUT = 500
MOST_OUTPUT = 8 * MEAN_OUTPUT
TOKEN_RATE = 50
# Four bytes a token.
PROMPT = "x" * (4 * MEAN_OUTPUT)
# Of the proxy; the provider takes any.
KEY = f"sk-{secrets.token_hex(32)}"
OFFERED = 1.5 * TOKENS_PER_MINUTE / 60 / (2 * MEAN_OUTPUT)


def plan():
    """(due, output tokens) of every request; the same for all."""
    numbers = random.Random(7)
    requests = []
    while (due := len(requests) / OFFERED) < SECONDS:
        length = round(numbers.lognormvariate(6.2146 - 0.32, 0.8))
        requests.append((due, min(max(length, 1), MOST_OUTPUT)))
    return requests


def text_of(tokens):
    return f"{PROMPT}\n/sim tokens {tokens}"


@contextlib.contextmanager
def program(*command, ready, environment=None):
    """Runs a program; what `ready` found in the first line that it matches."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([str(word) for word in command], text=True, stderr=log,
                                   stdout=subprocess.PIPE, env={**os.environ, **(environment or {})})
        try:
            for line in process.stdout:
                if found := re.search(ready, line):
                    break
            else:
                log.seek(0)
                raise SystemExit(f"{command[0]} did not start\n{log.read()[-4000:]}")
            yield found.group(1)
        finally:
            process.terminate()
            process.wait(60)


def provider():
    return program(BINARIES / "providersim", "--listen", "127.0.0.1:0", "--law=bucket",
                   f"--tokens-per-minute={TOKENS_PER_MINUTE}", "--charge=admission",
                   f"--token-rate={TOKEN_RATE}", "--events=10", "--record-limit=0",
                   ready=r"(http://\S+)/v1")


# --- Requests as a backend sends them to an OpenAI-compatible endpoint ---

async def ask(session, url, model, tokens):
    """One answer, as the official SDK gets it, but with as many retries as it takes."""
    body = {"model": model, "messages": [{"role": "user", "content": text_of(tokens)}],
            "stream": True, "max_tokens": MOST_OUTPUT}
    for attempt in range(10_000):
        async with session.post(f"{url}/v1/chat/completions", json=body,
                                headers={"authorization": f"Bearer {KEY}"}) as answer:
            if answer.status == 200:
                async for _ in answer.content.iter_any():
                    pass
                return
            hint = answer.headers.get("retry-after", "")
        delay = min(0.5 * 2**min(attempt, 10), 8) * (1 - 0.25 * random.random())
        if re.fullmatch(r"[0-9.]+", hint) and 0 < float(hint) <= 60:
            delay = float(hint)
        await asyncio.sleep(delay)


async def ask_all(url, model, stats):
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        async def send(tokens):
            with contextlib.suppress(aiohttp.ClientError):
                await ask(session, url, model, tokens)
        return await offer(send, stats)


async def offer(send, stats):
    """Sends every request when it is due; samples of what the provider counted."""
    start = time.monotonic()
    sampling = asyncio.create_task(sample(start, stats))
    under_way = set()
    for due, tokens in plan():
        await asyncio.sleep(max(0, start + due - time.monotonic()))
        task = asyncio.create_task(send(tokens))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    rows = await sampling
    for task in list(under_way):
        task.cancel()
    return rows


async def sample(start, stats):
    rows = []
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(stats) as answer:
                told = await answer.json()
            used = told["tokens_sent"] + sum(each["input_tokens"] for each in told["charged"])
            rows.append((time.monotonic() - start, used, told["rate_limited"]))
            if rows[-1][0] >= SECONDS:
                return rows
            await asyncio.sleep(SAMPLE_SECONDS)


# --- The contenders: each answers its samples ---

def naive(url):
    return asyncio.run(ask_all(url, "m", f"{url}/_sim/stats"))


def litellm(url):
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "litellm.json"
        config.write_text(json.dumps({
            "model_list": [{"model_name": "m", "litellm_params": {
                "model": "openai/m", "api_base": f"{url}/v1", "api_key": "key",
                "tpm": TOKENS_PER_MINUTE, "rpm": 100_000}}],
            "general_settings": {"master_key": KEY},
            "router_settings": {"routing_strategy": "usage-based-routing-v2",
                                "enable_pre_call_checks": True,
                                "optional_pre_call_checks": ["enforce_model_rate_limits"],
                                "num_retries": 0},
        }))
        port = free_port()
        environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False",
                       "PYTHONUNBUFFERED": "1"}
        command = [ROOT / "build/limiters/python/bin/litellm", "--config", config,
                   "--host", "127.0.0.1", "--port", port]
        with subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              env={**os.environ, **environment}) as process:
            try:
                asyncio.run(wait_for(f"http://127.0.0.1:{port}/health/liveliness", process))
                return asyncio.run(
                    ask_all(f"http://127.0.0.1:{port}", "m", f"{url}/_sim/stats"))
            finally:
                process.terminate()


def free_port():
    import socket
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]


async def wait_for(url, process):
    async with aiohttp.ClientSession() as session:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(f"the proxy ended with status {process.returncode}")
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise SystemExit("the proxy did not start within 2 minutes")


PENSTOCK = """\
data_dir: {folder}/data
process: {{admin: "127.0.0.1:0", log_severity: WARNING}}
endpoints: {{gateway: "127.0.0.1:0"}}
identity:
  grant_root: cGVuc3RvY2stZGV2ZWxvcG1lbnQtZ3JhbnQtcm9vdC0x
  issuers:
    - issuer: bench
      tenants: [bench]
      keys: [{{kid: bench, algorithm: ES256, public_key_file: {folder}/pub.pem}}]
tiers: [{{name: free, turn_class: FREE}}, {{name: paid, turn_class: PAID}}]
providers: [{{name: sim, base_url: "{url}/v1", max_streams: 8192}}]
models:
  - name: sim/m
    concurrency: 8192
    max_output_tokens: {most}
    limits: {{tokens_per_minute: {limit}}}
agents: [{{id: default, model: sim/m, recall: false, remember: false}}]
"""


def penstock(url):
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        keys = ["--private", f"{folder}/key.pem", "--public", f"{folder}/pub.pem"]
        subprocess.run([BINARIES / "penstock", "token", "keygen", "--algorithm", "ES256", *keys],
                       check=True, capture_output=True)
        token = subprocess.run(
            [BINARIES / "penstock", "token", "mint", "--key-file", f"{folder}/key.pem", "--kid",
             "bench", "--issuer", "bench", "--audience", "penstock",
             "--tenant", "bench", "--user", "u", "--tier", "paid"],
            check=True, capture_output=True, text=True).stdout.strip()
        config = Path(folder) / "penstock.yaml"
        config.write_text(PENSTOCK.format(folder=folder, url=url, most=MOST_OUTPUT,
                                          limit=TOKENS_PER_MINUTE))
        with program(BINARIES / "standalone", "--config", config,
                     ready=r'"listening":\["([^"]+)"') as address:
            return asyncio.run(submit_all(address, token, f"{url}/_sim/stats"))


async def submit_all(address, token, stats):
    metadata = [("authorization", f"Bearer {token}")]
    async with grpc.aio.insecure_channel(address) as channel:
        stub = turns_pb2_grpc.TurnsStub(channel)

        async def send(tokens):
            words = message_pb2.Part(text=message_pb2.Text(text=text_of(tokens)))
            spec = turn_pb2.TurnSpec(input=[words])
            await stub.SubmitTurn(turns_pb2.SubmitTurnRequest(turn=spec), metadata=metadata)
        return await offer(send, stats)


# --- What came of it ---

def figures_of(rows):
    counted = [row for row in rows if row[0] >= FROM]
    (begin, used_before, _), (end, used, _) = counted[0], counted[-1]
    rate = (used - used_before) / (end - begin)
    return {"tokens_a_second": round(rate), "of_quota": round(rate * 60 / TOKENS_PER_MINUTE, 3),
            "too_many_requests": rows[-1][2]}


def draw(all_rows, path):
    figure, (above, below) = pyplot.subplots(2, 1, sharex=True, figsize=(9, 7))
    for name, rows in all_rows.items():
        pairs = list(zip(rows, rows[4:]))
        above.plot([b[0] for _, b in pairs],
                   [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs], label=name)
        below.plot([row[0] for row in rows], [row[2] for row in rows], label=name)
    above.axhline(TOKENS_PER_MINUTE / 60, color="grey", linestyle="--", label="quota")
    above.set_ylabel("tokens a second, over 20 s")
    above.set_ylim(bottom=0)
    above.legend()
    below.set_yscale("symlog")
    below.set_ylim(bottom=0)
    below.set_ylabel("answers 429 of the provider")
    below.set_xlabel("seconds")
    figure.suptitle("Offered 1.5 times what the provider allows (300,000 tokens a minute)")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main(figures_file, plot):
    all_rows = {}
    for name, contender in (("naive retry", naive), ("LiteLLM", litellm), ("Penstock", penstock)):
        with provider() as url:
            all_rows[name] = contender(url)
        print(f"{name:12} {figures_of(all_rows[name])}", flush=True)
    Path(figures_file).write_text(
        json.dumps({name: figures_of(rows) for name, rows in all_rows.items()}))
    draw(all_rows, plot)
    return 1 if figures_of(all_rows["Penstock"])["too_many_requests"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
