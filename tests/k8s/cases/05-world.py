"""The world itself: a Deployment in a restricted namespace, its Service by name, its log, and what admission refuses."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube.case import main  # noqa: E402
from kube.commands import attempt, expect, kubectl, read  # noqa: E402
from kube.provider import Provider  # noqa: E402


def body(case):
    namespace = case.namespace()
    provider = Provider(namespace)
    case.step("a pod runs, and its Service answers by name")
    expect(provider.stats()["calls"] == 0, "the simulator counts calls that nobody made")

    kubectl("--namespace", namespace, "scale", "deployment/providersim", "--replicas=3")
    kubectl("--namespace", namespace, "rollout", "status", "deployment/providersim", "--timeout=60s")
    expect(len(read("--namespace", namespace, "pods")["items"]) == 3, "a Deployment of 3 has another number of pods")
    kubectl("--namespace", namespace, "logs", "deployment/providersim")
    case.step("three pods, and their logs")

    root = attempt("kubectl", "--namespace", namespace, "run", "root", "--image=localhost/pause:1",
                   '--overrides={"spec": {"securityContext": {"runAsUser": 0}}}')
    expect(root.returncode != 0 and "violates PodSecurity" in root.stderr,
           f"a pod of root's was admitted to a restricted namespace: {root.stderr}")
    case.step("admission refuses a pod of root's")


main(body)
