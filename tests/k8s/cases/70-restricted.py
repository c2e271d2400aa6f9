"""What the kernel says about every container, seen from the node: user, system calls, capabilities, file systems."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube.case import main  # noqa: E402
from kube.commands import expect, run  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import Release  # noqa: E402

USER = 65532
SECCOMP_FILTER = "2"
NO_CAPABILITIES = "0000000000000000"


def processes():
    """The first process of each container, by the container's id."""
    lines = run("ctr", "--namespace", "k8s.io", "tasks", "list").splitlines()[1:]
    return {line.split()[0]: line.split()[1] for line in lines}


def status_of(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def mounts_of(process):
    """{mount point: its options}, as the container sees them."""
    lines = Path(f"/proc/{process}/mountinfo").read_text().splitlines()
    return {line.split()[4]: line.split()[5].split(",") for line in lines}


def seen(process):
    status = status_of(process)
    return {"users": sorted(set(status["Uid"].split())), "groups": sorted(set(status["Gid"].split())),
            "seccomp": status["Seccomp"], "no_new_privileges": status["NoNewPrivs"],
            "capabilities": sorted({status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}),
            "read_only_root": "ro" in mounts_of(process)["/"],
            "writable": sorted(point for point, options in mounts_of(process).items() if "rw" in options
                               and not point.startswith(("/proc", "/dev", "/sys")))}


def check(pod, found):
    expected = {"users": [str(USER)], "groups": [str(USER)], "seccomp": SECCOMP_FILTER, "no_new_privileges": "1",
                "capabilities": [NO_CAPABILITIES], "read_only_root": True}
    for name, value in expected.items():
        expect(found[name] == value, f"{pod}: {name} is {found[name]}, expected {value}")
    allowed = {"/tmp", "/var/lib/penstock", "/etc/hosts", "/dev/termination-log"}
    extra = set(found["writable"]) - allowed
    expect(not extra, f"{pod}: can write to {sorted(extra)}")


def has_shell(process):
    return [shell for shell in ("bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/bash")
            if os.path.exists(f"/proc/{process}/root/{shell}")]


def body(case):
    namespace = case.namespace()
    Provider(namespace)
    release = Release(namespace, "ha")
    release.install()
    running = processes()
    for pod in release.pods():
        name = pod["metadata"]["name"]
        for container in pod["status"]["containerStatuses"]:
            process = running[container["containerID"].removeprefix("containerd://")]
            found = seen(process)
            check(name, found)
            expect(not has_shell(process), f"{name}: its image has {has_shell(process)}")
            case.figures.setdefault("component", {})[pod["metadata"]["labels"]["app.kubernetes.io/component"]] = found
    expect(len(case.figures["component"]) == 5, f"seen: {list(case.figures['component'])}")
    case.step(json.dumps(case.figures["component"]["gateway"]))


main(body)
