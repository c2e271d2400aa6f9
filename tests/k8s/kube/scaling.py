"""What an autoscaler sees and does, beside what the dispatcher itself says, from second to second."""

import json
import os
import subprocess
import threading
import time

from kube.case import BINARIES
from kube.commands import Failed
from kube.release import is_ready
from kube.tokens import token


class DispatcherWatch:
    """`with DispatcherWatch(release):` GetLoad four times a second; `samples` are (time, Load as JSON)."""

    def __init__(self, release):
        self.release = release
        self.samples = []
        self.process = None
        self.thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        environment = dict(os.environ, PENSTOCK_ADDRESS=self.release.address(),
                           PENSTOCK_TOKEN=token("operator", ["operator"]))
        self.process = subprocess.Popen(
            [str(BINARIES / "penstock"), "queue", "top", "--interval", "250ms", "--output", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.thread.join()

    def _read(self):
        for line in self.process.stdout:
            self.samples.append((time.time(), json.loads(line)))

    def required(self, begin, end):
        """(lowest, highest) required concurrency said between two moments; None without an answer."""
        said = [int(load.get("requiredConcurrency", 0)) for at, load in self.samples if begin <= at <= end]
        return (min(said), max(said)) if said else None

    def latest(self):
        if not self.samples:
            raise Failed("the dispatcher has not answered yet")
        return self.samples[-1][1]


def hpa_total(hpa):
    """What its status says of the metric, over all pods; None while it has none."""
    status = hpa.get("status", {})
    for current in status.get("currentMetrics") or []:
        value = current.get((current.get("type") or "").lower(), {}).get("current", {})
        if "averageValue" in value:
            return quantity(value["averageValue"]) * max(1, status.get("currentReplicas", 1))
    return None


def quantity(text):
    """Kubernetes writes 7.5 as "7500m"."""
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


class Replicas:
    """`with Replicas(release, component):` how many pods are ready, as seen over time: [(time, number)]."""

    def __init__(self, release, component):
        self.release = release
        self.component = component
        self.seen = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def _look(self):
        while not self.stop.wait(0.3):
            try:
                number = sum(1 for pod in self.release.pods(self.component) if is_ready(pod))
            except Failed:
                continue
            if not self.seen or self.seen[-1][1] != number:
                self.seen.append((time.time(), number))

    def current(self):
        return self.seen[-1][1] if self.seen else None

    def numbers(self):
        return [number for _, number in self.seen]
