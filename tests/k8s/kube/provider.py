"""The model provider in the cluster: providersim as a Deployment behind Service "providersim"."""

import json
import urllib.request

from kube.commands import apply, kubectl

PORT = 7430
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
              "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]},
              "seccompProfile": {"type": "RuntimeDefault"}}


class Provider:
    """Started by the constructor with providersim's own flags; ready when that returns."""

    def __init__(self, namespace, *flags):
        self.namespace = namespace
        self.flags = list(flags)
        apply(self._deployment(), self._service(), namespace=namespace)
        kubectl("--namespace", namespace, "rollout", "status", "deployment/providersim", "--timeout=60s", seconds=70)

    def stats(self):
        return self._call("/_sim/stats")

    def set_outage(self, status):
        return self._call("/_sim/outage", {"status": status})

    def requests(self, since=0):
        return self._call(f"/_sim/requests?since={since}&limit=10000")

    def _call(self, path, body=None):
        address = f"http://providersim.{self.namespace}.svc.cluster.local:{PORT}{path}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(address, data=data), timeout=10) as answer:
            return json.loads(answer.read() or b"{}")

    def _deployment(self):
        labels = {"app": "providersim"}
        container = {"name": "providersim", "image": "localhost/providersim:1", "imagePullPolicy": "Never",
                     "args": ["--listen", f"0.0.0.0:{PORT}", "--record-limit", "10000", *self.flags],
                     "ports": [{"containerPort": PORT}], "securityContext": RESTRICTED,
                     "readinessProbe": {"httpGet": {"path": "/_sim/stats", "port": PORT}, "periodSeconds": 1}}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "providersim"},
                "spec": {"selector": {"matchLabels": labels},
                         "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}}

    @staticmethod
    def _service():
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "providersim"},
                "spec": {"selector": {"app": "providersim"}, "ports": [{"port": PORT}]}}
