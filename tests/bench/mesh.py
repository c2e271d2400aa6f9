"""Penstock's processes and a provider simulator, for a measurement, and what they use."""

import base64
import dataclasses
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIVE = ("session_state", "memory_recall", "provider_adapter", "dispatcher", "gateway")
SYNCS = re.compile(r'^penstock_store_commit_syncs_total\{.*store="([^"]*)".*\} (\S+)$', re.MULTILINE)
READY_SECONDS = 120

CONFIG = """\
data_dir: {folder}/data
process:
  admin: unix:{folder}/admin-{name}.sock
  log_severity: WARNING
  block_cache_bytes: {block_cache}
endpoints: {endpoints}
tls: {tls}
identity:
  grant_root: {grant_root}
  issuers:
    - issuer: bench
      tenants: [bench]
      keys:
        - {{kid: bench, algorithm: {algorithm}, {key}}}
# What is measured is not to be refused.
tiers:
  - {{name: free, turn_class: FREE}}
  - {{name: paid, turn_class: PAID}}
queue: {{action_max_wait: 24h, paid_max_wait: 24h, free_max_wait: 24h}}
# The context stays as long as it was prepared, however many turns a run adds.
session: {{max_history_turns: 20}}
providers:
  - {{name: sim, protocol: {protocol}, base_url: "http://{provider}/v1", max_streams: 8192}}
models:
  - name: sim/bench
    concurrency: 4096
    price: {{input: 0.5, output: 1.5, cache_read: 0.05}}
agents:
  - {{id: default, instructions: You are a helpful assistant., model: sim/bench}}
"""


@dataclasses.dataclass(frozen=True)
class Variant:
    """How a mesh is reached, and whom it talks to."""
    # Between the services: Unix sockets, or ports of loopback.
    tcp: bool = False
    # Mutual TLS on every connection; over ports.
    tls: bool = False
    # Of the callers' tokens: ES256, RS256, HS256.
    algorithm: str = "ES256"
    # Of the provider: openai, anthropic.
    protocol: str = "openai"


def free_ports(count):
    """Ports that nobody listens on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def read_unix(path, target):
    """GET over a Unix socket; the body."""
    connection = http.client.HTTPConnection("admin")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("GET", target)
    body = connection.getresponse().read().decode()
    connection.close()
    return body


class Mesh:
    """`shape`: "standalone" or "five". All data goes into a new folder below `folder`."""

    def __init__(self, binaries, shape, folder, settings="", block_cache="64MiB", variant=Variant()):
        """`settings`: more of the configuration, in YAML. `block_cache`: of each store."""
        self.binaries = Path(binaries)
        self.variant = variant
        self.settings = settings
        self.block_cache = block_cache
        self.names = ("standalone",) if shape == "standalone" else FIVE
        # A short path: those of Unix sockets have at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=folder))
        self.private_key = str(self.folder / "issuer.pem")
        self.tls_folder = self.folder / "tls"
        self.processes = {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(list(self.processes.values())):
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder)

    def make_issuer_key(self):
        """Writes the issuer's key; what the configuration says of it."""
        if self.variant.algorithm == "HS256":
            secret = os.urandom(32)
            Path(self.private_key).write_bytes(secret)
            return f"secret: {base64.b64encode(secret).decode()}"
        public = self.folder / "issuer.pub.pem"
        subprocess.run([self.binaries / "penstock", "token", "keygen", "--algorithm", self.variant.algorithm,
                        "--private", self.private_key, "--public", public], check=True, capture_output=True)
        return f"public_key_file: {public}"

    def endpoints(self):
        """Of every service; the gateway has a port in any case."""
        own = {name: f"unix:{self.folder}/{name}.sock" for name in FIVE}
        if self.variant.tcp or self.variant.tls:
            own = {name: f"127.0.0.1:{port}" for name, port in zip(FIVE, free_ports(len(FIVE)))}
        return own | {"gateway": "127.0.0.1:0"}

    def tls_of(self, name):
        """The section `tls` of a process."""
        if not self.variant.tls:
            return {}
        certificate = f"{self.tls_folder}/{'gateway' if name == 'standalone' else name.replace('_', '-')}"
        return {"cert_file": f"{certificate}.crt", "key_file": f"{certificate}.key",
                "ca_file": f"{self.tls_folder}/ca.crt"}

    def generator_flags(self):
        """How the load generator reaches the gateway."""
        flags = {"address": self.gateway, "provider": self.provider, "private_key": self.private_key,
                 "algorithm": self.variant.algorithm}
        return flags | ({"tls": str(self.tls_folder)} if self.variant.tls else {})

    def start(self):
        key = self.make_issuer_key()
        if self.variant.tls:
            subprocess.run([ROOT / "deploy/certificates", self.tls_folder], check=True, capture_output=True)
        ready = self.spawn("providersim", "--listen", "127.0.0.1:0", "--tokens", "50",
                           "--events", "10", "--record-limit", "0")
        self.provider = re.search(r"http://([^/]+)/", ready).group(1)
        grant_root = base64.b64encode(os.urandom(32)).decode()
        endpoints = json.dumps(self.endpoints())
        for name in self.names:
            config = self.folder / f"{name}.yaml"
            config.write_text(CONFIG.format(folder=self.folder, name=name, provider=self.provider,
                                            grant_root=grant_root, endpoints=endpoints,
                                            tls=json.dumps(self.tls_of(name)), key=key,
                                            algorithm=self.variant.algorithm, protocol=self.variant.protocol,
                                            block_cache=self.block_cache) + self.settings)
            ready = self.spawn(name, "--config", str(config))
        # The gateway is the last to start, and the only one of standalone that listens.
        self.gateway = json.loads(ready)["listening"][0]

    def spawn(self, name, *arguments):
        """Starts a program; its ready line."""
        with open(self.folder / f"{name}.log", "w") as log:
            process = subprocess.Popen([str(self.binaries / name), *arguments], text=True,
                                       stdout=subprocess.PIPE, stderr=log)
        self.processes[name] = process
        timer = threading.Timer(READY_SECONDS, process.kill)
        timer.start()
        ready = process.stdout.readline()
        timer.cancel()
        if not ready:
            raise SystemExit(f"{name} did not start\n{self.last_words()}")
        return ready

    def last_words(self):
        """The end of every log."""
        found = []
        for log in sorted(self.folder.glob("*.log")):
            lines = log.read_text().splitlines()[-10:]
            if lines:
                found += [f"--- {log.name}", *lines]
        return "\n".join(found)

    def cpu_seconds(self):
        """User and system time so far, by process, that of the simulator too."""
        ticks = os.sysconf("SC_CLK_TCK")
        found = {}
        for name, process in self.processes.items():
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            found[name] = (int(fields[11]) + int(fields[12])) / ticks
        return found

    def resident_kib(self):
        found = {}
        for name in self.names:
            status = Path(f"/proc/{self.processes[name].pid}/status").read_text()
            found[name] = int(re.search(r"^VmRSS:\s*(\d+)", status, re.MULTILINE).group(1))
        return found

    def syncs(self):
        """Synced group commits so far, by store."""
        found = {}
        for name in self.names:
            metrics = read_unix(str(self.folder / f"admin-{name}.sock"), "/metrics")
            for store, value in SYNCS.findall(metrics):
                found[store] = found.get(store, 0) + float(value)
        return found


class raw_sync:
    """Times writes of 4 KiB with fdatasync in `folder`, 50 a second, while the block runs."""

    def __init__(self, folder):
        self.path = Path(folder) / "raw_sync"
        self.milliseconds = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        block = os.urandom(4096)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        while not self.stop.wait(0.02):
            os.write(file, block)
            start = time.perf_counter()
            os.fdatasync(file)
            self.milliseconds.append((time.perf_counter() - start) * 1000)
        os.close(file)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.path.unlink()

    def figures(self):
        ordered = sorted(self.milliseconds)
        rank = lambda share: round(ordered[int(share * (len(ordered) - 1))], 3)  # noqa: E731
        return {"count": len(ordered), "p50": rank(0.5), "p90": rank(0.9), "p99": rank(0.99)}
