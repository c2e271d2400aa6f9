"""Custom resources of others that some values of the chart make objects of."""

import re
from pathlib import Path

from kube.background import tool
from kube.commands import kubectl, read, until

# cert-manager's files are templates of its chart in their labels.
TEMPLATE = re.compile(r"\{\{.*?\}\}")


def apply_all():
    apply_keda()
    apply("cert-manager-crds", "*.yaml", "certificates.cert-manager.io")
    apply("gateway-api-crds", "*_grpcroutes.yaml", "grpcroutes.gateway.networking.k8s.io")
    apply("prometheus-operator-crds", "*.yaml", "servicemonitors.monitoring.coreos.com")


def apply_keda():
    apply("keda-crds", "*.yaml", "scaledobjects.keda.sh", "triggerauthentications.keda.sh")


def apply(of, files, *kinds):
    """Of the tool `of` (tools.sh) these files; waits until the API server serves `kinds`."""
    texts = [TEMPLATE.sub("template", path.read_text()) for path in sorted(Path(tool(of)).glob(files))]
    kubectl("apply", "--server-side", "--filename", "-", text="\n---\n".join(texts))
    for kind in kinds:
        until(30, f"{kind} is served", lambda kind=kind: is_established(read("customresourcedefinition", kind)))


def is_established(definition):
    return any(condition["type"] == "Established" and condition["status"] == "True"
               for condition in definition["status"]["conditions"] or [])
