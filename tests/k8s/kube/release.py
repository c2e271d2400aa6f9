"""A release of the chart: installed, tested, upgraded, rolled back; its pods, metrics and load."""

import json
import os
import urllib.request

from kube.case import BINARIES, ROOT
from kube.commands import expect, helm, kubectl, read, run
from kube.tokens import token

CHART = ROOT / "helm/penstock"
ADMIN_PORT = 7429
IMAGE = {"image.registry": "localhost", "image.repository": "penstock", "image.pullPolicy": "Never"}
# One small node has to hold what a cluster spreads.
SMALL = {f"{component}.resources.requests.cpu": "10m" for component in (
    "gateway", "dispatcher", "sessionState", "memoryRecall", "providerAdapter", "standalone")}
FIRST_IMAGE = "ci"
CHANGED_IMAGE = "changed"


def values_files():
    """Those of the chart for tests, by the part of their name that differs."""
    return {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}


class Release:
    """`settings` are as for --set, `overrides` a folder of values that go over the file's."""

    def __init__(self, namespace, values, settings=None, overrides=None, name="penstock"):
        self.namespace = namespace
        self.name = name
        self.values = values_files()[values]
        self.settings = {**IMAGE, **SMALL, **(settings or {})}
        self.overrides = overrides or {}

    def install(self, image=FIRST_IMAGE, seconds=240):
        self._apply("install", image, seconds)

    def upgrade(self, image, seconds=300):
        self._apply("upgrade", image, seconds)

    def rollback(self, seconds=300):
        self._helm("rollback", self.name, "--wait", f"--timeout={seconds}s", seconds=seconds + 30)

    def uninstall(self):
        self._helm("uninstall", self.name, "--wait", "--timeout=120s", seconds=150)

    def test(self):
        return self._helm("test", self.name, "--logs", "--timeout=150s", seconds=180)

    def pods(self, component=None):
        """Pods that are not on their way out."""
        selector = f"app.kubernetes.io/instance={self.name}"
        if component:
            selector += f",app.kubernetes.io/component={component}"
        found = read("--namespace", self.namespace, "pods", "--selector", selector)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self, component):
        return [pod for pod in self.pods(component) if is_ready(pod)]

    def address(self):
        """What callers dial: the one Service with an address of its own."""
        services = read("--namespace", self.namespace, "services",
                        "--selector", f"app.kubernetes.io/instance={self.name}")["items"]
        public = [service for service in services if service["spec"].get("clusterIP") != "None"]
        expect(len(public) == 1, f"{len(public)} Services with an address, expected the gateway's")
        name, port = public[0]["metadata"]["name"], public[0]["spec"]["ports"][0]["port"]
        return f"{name}.{self.namespace}.svc.cluster.local:{port}"

    def has_tls(self):
        return "tls.crt" in self._helm("get", "manifest", self.name, seconds=30)

    def penstock(self, *arguments, user="cli", scopes=(), seconds=60):
        """The command, from the node, through the Service."""
        environment = dict(os.environ, PENSTOCK_ADDRESS=self.address(), PENSTOCK_TOKEN=token(user, scopes))
        return run(str(BINARIES / "penstock"), *arguments, seconds=seconds, environment=environment)

    def load(self):
        """What the dispatcher's GetLoad says."""
        text = self.penstock("queue", "top", "--once", "--output", "json", user="operator", scopes=["operator"])
        return json.loads(text.strip().splitlines()[-1])

    def hpa(self, component):
        """The HorizontalPodAutoscaler of a component, the chart's or KEDA's."""
        found = read("--namespace", self.namespace, "horizontalpodautoscalers")["items"]
        ours = [hpa for hpa in found if hpa["spec"]["scaleTargetRef"]["name"].endswith(f"-{component}")]
        expect(len(ours) == 1, f"{len(ours)} HorizontalPodAutoscalers of {component}, expected one")
        return ours[0]

    def kubectl(self, *arguments, **options):
        return kubectl("--namespace", self.namespace, *arguments, **options)

    def left(self):
        """What the namespace still holds of the release."""
        kinds = "all,configmap,secret,serviceaccount,persistentvolumeclaim,poddisruptionbudget,networkpolicy," \
                "horizontalpodautoscaler"
        found = read("--namespace", self.namespace, kinds,
                     "--selector", f"app.kubernetes.io/instance={self.name}")["items"]
        return [f"{item['kind']}/{item['metadata']['name']}" for item in found]

    def _apply(self, action, image, seconds):
        settings = dict(self.settings, **{"image.tag": image})
        arguments = [f"--set={key}={value}" for key, value in settings.items()]
        arguments += [f"--set-json={key}={json.dumps(value)}" for key, value in self.overrides.items()]
        self._helm(action, self.name, str(CHART), "--values", str(self.values), *arguments,
                   "--wait", f"--timeout={seconds}s", seconds=seconds + 30)

    def _helm(self, *arguments, seconds):
        return helm("--namespace", self.namespace, *arguments, seconds=seconds)


def is_ready(pod):
    return any(condition["type"] == "Ready" and condition["status"] == "True"
               for condition in pod["status"].get("conditions", []))


def uids(pods):
    return {pod["metadata"]["uid"] for pod in pods}


def metrics(pod):
    """A pod's own page of metrics: {"name{labels}": value}."""
    with urllib.request.urlopen(f"http://{pod['status']['podIP']}:{ADMIN_PORT}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def metric(pod, name, labels=""):
    """The sum of a metric's series whose labels hold `labels`."""
    return sum(value for series, value in metrics(pod).items()
               if series.split("{")[0] == name and labels in series)
