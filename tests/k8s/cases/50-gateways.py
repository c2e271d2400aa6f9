"""Open streams scale the gateways; a scale-down under 200 streams cuts none that takes its turn up again."""

# Tools: prometheus prometheus-adapter

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube.case import main  # noqa: E402
from kube.commands import expect, until  # noqa: E402
from kube.load import Answer, Load  # noqa: E402
from kube.prometheus import Prometheus  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import Release, metric  # noqa: E402
from kube.scaling import Replicas  # noqa: E402

# The first make the gateways three; the others meet three, and so stand at those that will leave, too.
FIRST_STREAMS, LATER_STREAMS = 120, 80
STREAMS = FIRST_STREAMS + LATER_STREAMS
MOST_PODS = 3
# Longer than gateways need to come, to go, and to cut what outlasts their drain.
ANSWER = Answer(tokens=120, events=120, interval_ms=1000)
DRAIN = "5s"


def streams(release, number, users):
    return Load(release.address(), number, ANSWER, turns_each=1, connections=number // 5, patience_s=240, users=users)


def open_at(pod):
    return metric(pod, "penstock_gateway_open_streams")


def open_streams(release):
    return sum(open_at(pod) for pod in release.ready_pods("gateway"))


def set_target(release, streams):
    """As if each gateway could bear so many: the autoscaler's own way down, while all streams are open."""
    hpa = release.hpa("gateway")
    hpa["spec"]["metrics"][0]["pods"]["target"]["averageValue"] = str(streams)
    release.kubectl("patch", "horizontalpodautoscaler", hpa["metadata"]["name"], "--type=merge",
                    f"--patch={json.dumps({'spec': {'metrics': hpa['spec']['metrics']}})}")


def body(case):
    namespace = case.namespace()
    Provider(namespace)
    release = Release(namespace, "hpa", settings={"config.drain.timeout": DRAIN, "autoscaling.providerAdapter.maxReplicas": "1"},
                      overrides={"config.models": [{"name": "sim/echo", "context_window_tokens": 32000,
                                                    "max_output_tokens": 1024, "concurrency": STREAMS + 50}]})
    with Prometheus():
        release.install()
        with Replicas(release, "gateway") as replicas, streams(release, FIRST_STREAMS, "first") as first:
            until(60, "the first streams are open", lambda: open_streams(release) >= FIRST_STREAMS)
            began = time.monotonic()
            until(60, f"{MOST_PODS} gateways", lambda: replicas.current() == MOST_PODS)
            case.figures["seconds_to_all_gateways"] = round(time.monotonic() - began, 1)
            case.step(f"{FIRST_STREAMS} streams: {MOST_PODS} gateways after {case.figures['seconds_to_all_gateways']} s")
            with streams(release, LATER_STREAMS, "later") as later:
                until(60, "all streams are open", lambda: open_streams(release) >= STREAMS)
                case.figures["streams_of_each_gateway"] = [int(open_at(pod)) for pod in release.ready_pods("gateway")]
                set_target(release, 10 * STREAMS)
                until(90, "one gateway", lambda: len(release.pods("gateway")) == 1)
                open_then = first.open() + later.open()
                expect(open_then == STREAMS, f"{open_then} streams at the scale-down, expected {STREAMS}")
                faults = first.wait() + later.wait()
    broken = sum(load.summary()["streams_broken_and_taken_up"] for load in (first, later))
    case.figures.update(streams_open_at_the_scale_down=open_then, streams_broken_and_taken_up=broken,
                        failed_turns=len(faults), gateways=replicas.numbers())
    case.step(str(case.figures))
    expect(not faults, f"{len(faults)} of {STREAMS} turns went wrong: {faults[:5]}")
    expect(broken > 0, "no stream was broken: the scale-down met none")


main(body)
