"""Prometheus beside the pods, and prometheus-adapter with the chart's rules: what an HPA without KEDA asks."""

import json
import os
import urllib.parse
import urllib.request
from contextlib import ExitStack

from kube.background import Program, tool
from kube.case import WORLD
from kube.commands import until
from kube.metrics_api import AS_ADMIN, CERTIFICATE, ServedApi
from kube.release import CHART

SCRAPE_S = 1
URL = "http://127.0.0.1:9090"
ADAPTER_PORT = 6444
CONFIGURATION = """
global: {{scrape_interval: {scrape}s, scrape_timeout: {scrape}s}}
scrape_configs:
  - job_name: pods
    kubernetes_sd_configs: [{{role: pod, kubeconfig_file: {kubeconfig}}}]
    relabel_configs:
      - {{source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_part_of], regex: penstock, action: keep}}
      - {{source_labels: [__meta_kubernetes_pod_container_port_name], regex: admin, action: keep}}
      - {{source_labels: [__meta_kubernetes_pod_phase], regex: Running, action: keep}}
      - {{source_labels: [__meta_kubernetes_namespace], target_label: namespace}}
      - {{source_labels: [__meta_kubernetes_pod_name], target_label: pod}}
      - {{source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_component], target_label: component}}
"""


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
        file = WORLD / "prometheus.yaml"
        file.write_text(CONFIGURATION.format(scrape=SCRAPE_S, kubeconfig=os.environ["KUBECONFIG"]))
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
