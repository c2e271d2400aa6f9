"""Who serves external.metrics.k8s.io and custom.metrics.k8s.io: programs of the node, behind APIServices."""

from kube.case import WORLD
from kube.commands import Failed, apply, attempt, read, until

PKI = WORLD / "pki"
CERTIFICATE = ["--cert-dir", str(PKI), "--tls-cert-file", str(PKI / "metrics.crt"),
               "--tls-private-key-file", str(PKI / "metrics.key")]
AS_ADMIN = [f"--{who}-kubeconfig={PKI / 'admin.kubeconfig'}"
            for who in ("lister", "authentication", "authorization")]


class ServedApi:
    """`with ServedApi(group, version, port):` registers what listens on that port of the node."""

    def __init__(self, group, version, port):
        self.group = group
        self.name = f"{version}.{group}"
        self.version = version
        self.port = port

    def __enter__(self):
        # A name that leads to loopback: the API server asks the node's own port.
        service = f"node-port-{self.port}"
        apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": service},
               "spec": {"type": "ExternalName", "externalName": "127.0.0.1"}}, namespace="kube-system")
        apply({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": self.name},
               "spec": {"group": self.group, "version": self.version, "groupPriorityMinimum": 100,
                        "versionPriority": 100, "insecureSkipTLSVerify": True,
                        "service": {"name": service, "namespace": "kube-system", "port": self.port}}})
        until(60, f"{self.name} is available", self._is_available)
        return self

    def __exit__(self, *_):
        attempt("kubectl", "delete", "apiservice", self.name)

    def _is_available(self):
        conditions = read("apiservice", self.name)["status"].get("conditions") or []
        if not any(each["type"] == "Available" and each["status"] == "True" for each in conditions):
            raise Failed(str(conditions))
        return True
