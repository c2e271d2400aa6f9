"""Prometheus beside the pods, and prometheus-adapter with the chart's rules: what an HPA without KEDA asks."""

import json
import threading
import urllib.parse
import urllib.request
from contextlib import ExitStack

from kube.background import Program, tool
from kube.case import WORLD
from kube.commands import Failed, read, until
from kube.metrics_api import AS_ADMIN, CERTIFICATE, ServedApi
from kube.release import ADMIN_PORT, CHART

SCRAPE_S = 1
URL = "http://127.0.0.1:9090"
ADAPTER_PORT = 6444
CONFIGURATION = """
global: {{scrape_interval: {scrape}s, scrape_timeout: {scrape}s}}
scrape_configs:
  - {{job_name: pods, file_sd_configs: [{{files: ["{targets}"]}}]}}
"""


class Targets:
    """`with Targets(file):` keeps the running pods of Penstock in it; Debian's Prometheus cannot ask Kubernetes itself."""

    def __init__(self, file):
        self.file = file
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self):
        self._write([])
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def _follow(self):
        written = []
        while not self.stop.wait(0.5):
            try:
                targets = [target_of(pod) for pod in read(
                    "pods", "--all-namespaces", "--selector=app.kubernetes.io/part-of=penstock",
                    "--field-selector=status.phase=Running")["items"]]
            except (Failed, KeyError):
                continue
            if targets != written:
                self._write(targets)
                written = targets

    def _write(self, targets):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(targets))
        new.rename(self.file)


def target_of(pod):
    """With the labels that the chart's ServiceMonitor gives."""
    about = pod["metadata"]
    return {"targets": [f"{pod['status']['podIP']}:{ADMIN_PORT}"],
            "labels": {"namespace": about["namespace"], "pod": about["name"]}}


class Prometheus:
    """`with Prometheus():`; both APIs of metrics are served while it lasts."""

    def __init__(self):
        self.stack = ExitStack()

    def __enter__(self):
        with self.stack:
            self._start_prometheus()
            self._start_adapter()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    @staticmethod
    def query(expression):
        """The samples of an instant query: [(labels, time, value)]."""
        url = f"{URL}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            result = json.loads(answer.read())["data"]["result"]
        return [(each["metric"], each["value"][0], float(each["value"][1])) for each in result]

    def _start_prometheus(self):
        file, targets = WORLD / "prometheus.yaml", WORLD / "prometheus-targets.json"
        file.write_text(CONFIGURATION.format(scrape=SCRAPE_S, targets=targets))
        self.stack.enter_context(Targets(targets))
        self.stack.enter_context(Program(
            "prometheus", f"{tool('prometheus')}/usr/bin/prometheus", f"--config.file={file}",
            f"--storage.tsdb.path={WORLD}/prometheus", "--web.listen-address=127.0.0.1:9090"))
        until(60, "Prometheus is ready", lambda: urllib.request.urlopen(f"{URL}/-/ready", timeout=2).status == 200)

    def _start_adapter(self):
        self.stack.enter_context(Program(
            "prometheus-adapter", tool("prometheus-adapter"), f"--secure-port={ADAPTER_PORT}", *AS_ADMIN,
            *CERTIFICATE, f"--prometheus-url={URL}", f"--config={CHART / 'prometheus-adapter.yaml'}",
            "--metrics-relist-interval=2s", "--metrics-max-age=1m"))
        for group in ("external.metrics.k8s.io", "custom.metrics.k8s.io"):
            self.stack.enter_context(ServedApi(group, "v1beta1", ADAPTER_PORT))
