"""The image in the cluster: its compressed size, how soon a pod is ready, `penstock health` from inside."""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube.case import main  # noqa: E402
from kube.commands import expect, run, until  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import ADMIN_PORT, Release  # noqa: E402

LARGEST_IMAGE = 30 * 10**6
SLOWEST_START_S = 1.0
COMPONENTS = ("gateway", "dispatcher", "session-state", "memory-recall", "provider-adapter")
TICKS_PER_S = 100


def first_process(pod):
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    for line in run("ctr", "--namespace", "k8s.io", "tasks", "list").splitlines()[1:]:
        if line.split()[0] == container:
            return line.split()[1]
    return None


def started_at(process):
    """Seconds since boot at which a process was started."""
    return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[19]) / TICKS_PER_S


def answers(address):
    try:
        with urllib.request.urlopen(f"http://{address}:{ADMIN_PORT}/readyz", timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def start_to_ready(release, component):
    """A new pod of a component: from the start of its process until /readyz says 200."""
    old = release.pods(component)[0]["metadata"]
    release.kubectl("delete", "pod", old["name"], "--wait=false")

    def address():
        for pod in release.pods(component):
            if pod["metadata"]["uid"] != old["uid"] and pod["status"].get("podIP"):
                return pod["status"]["podIP"]
        return None

    target = until(60, f"a new pod of {component} has an address", address, pause=0.05)
    until(60, f"{component} is ready", lambda: answers(target), pause=0.01)
    ready = time.clock_gettime(time.CLOCK_BOOTTIME)
    pod = until(30, "its container is told", lambda: [
        pod for pod in release.pods(component)
        if pod["status"].get("podIP") == target and pod["status"]["containerStatuses"][0].get("containerID")])[0]
    return ready - started_at(first_process(pod))


def body(case):
    report = json.loads(Path(os.environ["IMAGES"], "penstock-ci.json").read_text())
    case.figures["image"] = report
    size = report["compressed_bytes"]
    expect(size < LARGEST_IMAGE, f"the image has {size} bytes compressed, expected less than {LARGEST_IMAGE}")
    case.step(f"{size / 10**6:.1f} MB compressed")

    namespace = case.namespace()
    Provider(namespace)
    release = Release(namespace, "minimal")
    release.install()
    health = release.kubectl("exec", release.pods("gateway")[0]["metadata"]["name"], "--",
                             "/usr/bin/penstock", "health")
    case.step(f"penstock health inside: {health.strip()}")

    seconds = {component: round(start_to_ready(release, component), 2) for component in COMPONENTS}
    case.figures["seconds_from_start_to_ready"] = seconds
    case.step(f"from start to ready: {seconds}")
    slow = {component: found for component, found in seconds.items() if found > SLOWEST_START_S}
    expect(not slow, f"slower than {SLOWEST_START_S} s: {slow}")


main(body)
