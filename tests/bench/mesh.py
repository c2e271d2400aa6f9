"""Penstock's processes and a provider simulator, for a measurement, and what they use."""

import base64
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

FIVE = ("session_state", "memory_recall", "provider_adapter", "dispatcher", "gateway")
SYNCS = re.compile(r'^penstock_store_commit_syncs_total\{.*store="([^"]*)".*\} (\S+)$', re.MULTILINE)
READY_SECONDS = 120

CONFIG = """\
data_dir: {folder}/data
process:
  admin: unix:{folder}/admin-{name}.sock
  log_severity: WARNING
  block_cache_bytes: {block_cache}
endpoints:
  gateway: 127.0.0.1:0
  dispatcher: unix:{folder}/dispatcher.sock
  session_state: unix:{folder}/session_state.sock
  memory_recall: unix:{folder}/memory_recall.sock
  provider_adapter: unix:{folder}/provider_adapter.sock
identity:
  grant_root: {grant_root}
  issuers:
    - issuer: bench
      tenants: [bench]
      keys:
        - {{kid: bench, algorithm: ES256, public_key_file: {folder}/issuer.pub.pem}}
# What is measured is not to be refused.
tiers:
  - {{name: free, turn_class: FREE}}
  - {{name: paid, turn_class: PAID}}
queue: {{action_max_wait: 24h, paid_max_wait: 24h, free_max_wait: 24h}}
# The context stays as long as it was prepared, however many turns a run adds.
session: {{max_history_turns: 20}}
providers:
  - {{name: sim, base_url: "http://{provider}/v1", max_streams: 8192}}
models:
  - name: sim/bench
    concurrency: 4096
    price: {{input: 0.5, output: 1.5, cache_read: 0.05}}
agents:
  - {{id: default, instructions: You are a helpful assistant., model: sim/bench}}
"""


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

    def __init__(self, binaries, shape, folder, settings="", block_cache="64MiB"):
        """`settings`: more of the configuration, in YAML. `block_cache`: of each store."""
        self.binaries = Path(binaries)
        self.settings = settings
        self.block_cache = block_cache
        self.names = ("standalone",) if shape == "standalone" else FIVE
        # A short path: those of Unix sockets have at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=folder))
        self.private_key = str(self.folder / "issuer.pem")
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

    def start(self):
        subprocess.run([self.binaries / "penstock", "token", "keygen", "--algorithm", "ES256",
                        "--private", self.private_key, "--public", self.folder / "issuer.pub.pem"],
                       check=True, capture_output=True)
        ready = self.spawn("providersim", "--listen", "127.0.0.1:0", "--tokens", "50",
                           "--events", "10", "--record-limit", "0")
        self.provider = re.search(r"http://([^/]+)/", ready).group(1)
        grant_root = base64.b64encode(os.urandom(32)).decode()
        for name in self.names:
            config = self.folder / f"{name}.yaml"
            config.write_text(CONFIG.format(folder=self.folder, name=name, provider=self.provider,
                                            grant_root=grant_root,
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
