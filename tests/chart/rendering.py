"""Renders the chart with helm, and finds objects in what comes out."""
import functools
import os
import pathlib
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/penstock"
CI_FILES = sorted(CHART.glob("ci/*-values.yaml"))
RELEASE, NAMESPACE = "chat", "talk"
KUBE_VERSION = "1.37.1"


class Refused(Exception):
    """helm's error output."""


def helm(*arguments, text=None):
    done = subprocess.run([os.environ.get("HELM", "helm"), *map(str, arguments)], input=text, capture_output=True,
                          text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise Refused(done.stderr)
    return done.stdout


def ci_file(name):
    return CHART / f"ci/{name}-values.yaml"


class Rendering:
    """The objects of one rendering."""

    def __init__(self, text):
        self.text = text
        self.objects = [part for part in yaml.safe_load_all(text) if part]

    def all(self, kind):
        return [part for part in self.objects if part["kind"] == kind]

    def one(self, kind, name):
        found = [part for part in self.all(kind) if part["metadata"]["name"] == name]
        if len(found) != 1:
            names = [part["metadata"]["name"] for part in self.all(kind)]
            raise AssertionError(f"{kind} {name}: found {len(found)} of it; there are {names}")
        return found[0]

    def workloads(self):
        return self.all("Deployment") + self.all("StatefulSet")

    def workload(self, component):
        found = [part for part in self.workloads()
                 if part["metadata"]["labels"]["app.kubernetes.io/component"] == component]
        if len(found) != 1:
            raise AssertionError(f"{component}: found {len(found)} workloads of it")
        return found[0]

    def container(self, component):
        return self.workload(component)["spec"]["template"]["spec"]["containers"][0]

    def config(self, component):
        name = [part for part in self.all("ConfigMap") if part["metadata"]["name"].endswith("-config")]
        return yaml.safe_load(name[0]["data"][f"{component}.yaml"])


@functools.cache
def _render(file, values):
    text = helm("template", RELEASE, CHART, "--namespace", NAMESPACE, "--kube-version", KUBE_VERSION,
                "--values", file, "--values", "-", text=values)
    return Rendering(text)


def render(name="minimal", values=""):
    """Of ci/NAME-values.yaml, with more values (YAML) over it."""
    return _render(ci_file(name), values or "{}")


def refusal(values, name="minimal"):
    """What helm says to these values; fails when it takes them."""
    try:
        render(name, values)
    except Refused as refused:
        return str(refused)
    raise AssertionError(f"helm took these values: {values}")
