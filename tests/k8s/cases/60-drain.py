"""A node is drained by the eviction API under load: the budget holds pods back, the dispatcher comes back on its
volume, and every acknowledged turn ends."""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube.case import main  # noqa: E402
from kube.commands import attempt, expect, until  # noqa: E402
from kube.load import Answer, Load  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import Release, uids  # noqa: E402

COMPONENTS = ("gateway", "provider-adapter", "session-state", "memory-recall", "dispatcher")
CALLERS = 12
ANSWER = Answer(tokens=40, events=20, interval_ms=200)


def evict(release, pod):
    """The API server's answer to an eviction: "evicted", or why not."""
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction",
                "metadata": {"name": name, "namespace": release.namespace}}
    done = attempt("kubectl", "create", "--raw",
                   f"/api/v1/namespaces/{release.namespace}/pods/{name}/eviction", "--filename", "-",
                   text=json.dumps(eviction))
    return "evicted" if done.returncode == 0 else done.stderr.strip()


def drain(case, release, component):
    """All pods of a component, as `kubectl drain` would: again while the budget refuses. Returns how often it did."""
    old = release.pods(component)
    refused = 0
    began = time.monotonic()
    for pod in old:
        while (answer := evict(release, pod)) != "evicted":
            expect("disruption budget" in answer, f"eviction of {component}: {answer}")
            refused += 1
            expect(time.monotonic() - began < 180, f"the budget never let {pod['metadata']['name']} go")
            time.sleep(0.5)
    until(120, f"{component} is back", lambda: len(release.ready_pods(component)) == len(old)
          and not uids(old) & uids(release.pods(component)))
    case.step(f"{component}: {len(old)} pods evicted one by one, the budget refused {refused} times")
    return {"pods": len(old), "refused_by_the_budget": refused, "seconds": round(time.monotonic() - began, 1)}


def volume_of(release, component):
    claims = json.loads(release.kubectl("get", "persistentvolumeclaims", "--output=json"))["items"]
    return [claim["spec"]["volumeName"] for claim in claims if component in claim["metadata"]["name"]]


def body(case):
    namespace = case.namespace()
    Provider(namespace)
    release = Release(namespace, "ha")
    release.install()
    volume = volume_of(release, "dispatcher")
    with Load(release.address(), CALLERS, ANSWER) as load:
        until(60, "streams are open", lambda: load.open() >= CALLERS // 2)
        drained = {component: drain(case, release, component) for component in COMPONENTS}
        faults = load.stop()
    case.figures.update(drained, load=load.summary())
    case.step(f"load: {case.figures['load']}")
    expect(volume_of(release, "dispatcher") == volume, "the dispatcher came back on another volume")
    expect(drained["gateway"]["refused_by_the_budget"] > 0, "the budget let all gateways go at once")
    expect(not faults, f"{len(faults)} of {len(load.turns)} turns went wrong: {faults[:5]}")
    expect(not release.penstock("turn", "list", "--state", "queued", "--output", "json",
                                user="user-0").strip(), "a turn still waits")


main(body)
