"""The course of every case in which queue depth scales the adapters, whoever scales them."""

import time

from kube.commands import expect, until
from kube.load import Answer, Load
from kube.release import metric
from kube.scaling import DispatcherWatch, Replicas, hpa_total

CALLERS = 28
# Streams of 6 s: slow enough for a small machine, long enough for pods that come to matter.
ANSWER = Answer(tokens=60, events=30, interval_ms=200)
MOST_PODS = 4


def finished_turns(pod):
    return metric(pod, "penstock_provider_adapter_calls_total", 'outcome="OK"')


def compare(watch, release, lag_s):
    """The HPA's figure beside the dispatcher's of the last `lag_s` seconds: what they differ by, in calls."""
    total = hpa_total(release.hpa("provider-adapter"))
    now = time.time()
    said = watch.required(now - lag_s, now)
    if total is None or said is None:
        return None
    lowest, highest = said
    return max(0.0, lowest - total, total - highest)


def watch_metric(case, watch, release, lag_s, comparisons=12):
    """The metric in the HPA's status is the dispatcher's own, at most `lag_s` old."""
    differences = []
    while len(differences) < comparisons:
        difference = until(30, "the HPA has the metric", lambda: [compare(watch, release, lag_s)] or None)[0]
        if difference is not None:
            differences.append(difference)
        time.sleep(1)
    case.figures["largest_difference_of_metric_and_rpc"] = max(differences)
    # A quarter of a call: the status rounds the average of the pods to thousandths.
    expect(max(differences) <= 0.25, f"the HPA's metric and the dispatcher's RPC differ: {differences}")


def scale(case, release, fewest, lag_s):
    """`fewest` pods, load, 4 pods that all serve, no load, `fewest` pods; no turn fails."""
    until(60, f"{fewest} adapters at rest", lambda: len(release.pods("provider-adapter")) == fewest)
    with DispatcherWatch(release) as watch, Replicas(release, "provider-adapter") as replicas:
        with Load(release.address(), CALLERS, ANSWER) as load:
            up(case, release, replicas, load, fewest)
            watch_metric(case, watch, release, lag_s)
            faults = load.stop()
        down(case, release, replicas, fewest)
    case.figures["load"] = load.summary()
    case.figures["ready_adapters_over_time"] = replicas.numbers()
    case.step(f"load: {case.figures['load']}; adapters: {replicas.numbers()}")
    expect(not faults, f"{len(faults)} of {len(load.turns)} turns went wrong: {faults[:5]}")


def up(case, release, replicas, load, fewest):
    began = time.monotonic()
    if fewest == 0:
        until(90, "the first adapter is there", replicas.current)
        case.figures["seconds_to_the_first_adapter"] = round(time.monotonic() - began, 1)
        until(60, "its first turn ends", load.finished)
    until(180, f"{MOST_PODS} adapters", lambda: replicas.current() == MOST_PODS)
    case.figures["seconds_to_all_adapters"] = round(time.monotonic() - began, 1)
    case.step(f"{MOST_PODS} adapters after {case.figures['seconds_to_all_adapters']} s")
    pods = release.pods("provider-adapter")
    until(90, "every adapter has finished turns", lambda: all(finished_turns(pod) > 0 for pod in pods))
    case.figures["turns_finished_by_each_adapter"] = [int(finished_turns(pod)) for pod in pods]
    case.step(f"every one serves: {case.figures['turns_finished_by_each_adapter']}")


def down(case, release, replicas, fewest):
    began = time.monotonic()
    until(180, f"back to {fewest} adapters", lambda: replicas.current() == fewest)
    case.figures["seconds_from_the_last_turn_to_rest"] = round(time.monotonic() - began, 1)
    expect(int(release.load().get("requiredConcurrency", 0)) == 0, "an idle dispatcher wants adapters")
