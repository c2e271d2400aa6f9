"""KEDA's own operator and metrics server, from its module, as programs of the node."""

import shutil
from contextlib import ExitStack

from kube import kinds
from kube.background import Program, tool
from kube.case import WORLD
from kube.commands import kubectl
from kube.metrics_api import AS_ADMIN, PKI, ServedApi

ADAPTER_PORT = 6445
SERVICE = "localhost:9666"


class Keda:
    """`with Keda():`; ScaledObjects of all namespaces are followed while it lasts."""

    def __init__(self):
        self.stack = ExitStack()
        self.certificates = WORLD / "keda-certificates"

    def __enter__(self):
        with self.stack:
            self._make_certificates()
            kinds.apply_keda()
            kubectl("create", "namespace", "keda")
            self._start()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _make_certificates(self):
        self.certificates.mkdir(exist_ok=True)
        for source, target in (("ca.crt", "ca.crt"), ("metrics.crt", "tls.crt"), ("metrics.key", "tls.key")):
            shutil.copy(PKI / source, self.certificates / target)

    def _start(self):
        own = {"KEDA_CLUSTER_OBJECT_NAMESPACE": "keda", "POD_NAMESPACE": "keda", "WATCH_NAMESPACE": ""}
        folder = f"--cert-dir={self.certificates}"
        self.stack.enter_context(Program(
            "keda-operator", tool("keda-operator"), folder, "--leader-elect=false",
            "--metrics-bind-address=127.0.0.1:8180", "--health-probe-bind-address=127.0.0.1:8182",
            "--metrics-service-bind-address=127.0.0.1:9666", "--enable-apiservice-patching=false",
            "--enable-webhook-patching=false", "--enable-cert-rotation=false", environment=own))
        self.stack.enter_context(Program(
            "keda-adapter", tool("keda-adapter"), f"--secure-port={ADAPTER_PORT}", folder,
            f"--tls-cert-file={self.certificates}/tls.crt", f"--tls-private-key-file={self.certificates}/tls.key",
            f"--metrics-service-address={SERVICE}", *AS_ADMIN, "--port=8183", environment=own))
        self.stack.enter_context(ServedApi("external.metrics.k8s.io", "v1beta1", ADAPTER_PORT))
