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

STREAMS = 200
MOST_PODS = 3
# Longer than gateways need to come, to go, and to cut what outlasts their drain.
ANSWER = Answer(tokens=120, events=120, interval_ms=1000)
DRAIN = "5s"


def open_streams(release):
    return sum(metric(pod, "penstock_gateway_open_streams") for pod in release.ready_pods("gateway"))


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
        with Replicas(release, "gateway") as replicas, \
                Load(release.address(), STREAMS, ANSWER, turns_each=1, connections=40, patience_s=240) as load:
            until(60, "all streams are open", lambda: open_streams(release) >= STREAMS)
            began = time.monotonic()
            until(60, f"{MOST_PODS} gateways", lambda: replicas.current() == MOST_PODS)
            case.figures["seconds_to_all_gateways"] = round(time.monotonic() - began, 1)
            case.step(f"{STREAMS} streams: {MOST_PODS} gateways after {case.figures['seconds_to_all_gateways']} s")

            set_target(release, 10 * STREAMS)
            until(90, "one gateway", lambda: len(release.pods("gateway")) == 1)
            open_then = load.open()
            expect(open_then == STREAMS, f"{open_then} streams at the scale-down, expected {STREAMS}")
            faults = load.wait()
    case.figures.update(load.summary(), streams_open_at_the_scale_down=open_then, gateways=replicas.numbers())
    case.step(str(case.figures))
    expect(not faults, f"{len(faults)} of {STREAMS} turns went wrong: {faults[:5]}")
    expect(case.figures["streams_broken_and_taken_up"] > 0, "no stream was broken: the scale-down met none")


main(body)
