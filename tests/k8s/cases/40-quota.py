"""A backlog that only the provider's rate limit holds back adds no adapter, and the metrics say what holds it."""

# Tools: prometheus prometheus-adapter

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube.case import main  # noqa: E402
from kube.commands import expect, until  # noqa: E402
from kube.load import Answer, Load  # noqa: E402
from kube.prometheus import Prometheus  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import Release, metrics  # noqa: E402
from kube.scaling import DispatcherWatch, Replicas, hpa_total  # noqa: E402

# 30 turns at once where 60 requests a minute are allowed: a second apart, so most of them wait.
TURNS = 30
LIMITS = {"requests_per_minute": 60}
ANSWER = Answer(tokens=4, events=2, interval_ms=50)
SECONDS_BLOCKED = 15


def model():
    return [{"name": "sim/echo", "context_window_tokens": 32000, "max_output_tokens": 1024, "limits": LIMITS}]


def blocked(load):
    return sum(int(pool.get("quotaBlocked", 0)) for pool in load.get("pools", []))


def says_why(release):
    """The dispatcher's series of blocked turns by what holds them: {series: turns}, without zeros."""
    dispatcher = release.pods("dispatcher")[0]
    return {series: value for series, value in metrics(dispatcher).items()
            if series.startswith("penstock_dispatcher_pool_quota_blocked") and 'reason="requests"' in series and value > 0}


def body(case):
    namespace = case.namespace()
    Provider(namespace)
    release = Release(namespace, "hpa", overrides={"config.models": model()})
    with Prometheus():
        release.install()
        with DispatcherWatch(release) as watch, Replicas(release, "provider-adapter") as replicas, \
                Load(release.address(), TURNS, ANSWER, turns_each=1) as load:
            until(30, "turns are blocked by the quota", lambda: blocked(watch.latest()) >= TURNS // 2)
            began = time.time()
            why = until(10, "the metric says that requests are used up", lambda: says_why(release))
            case.step(f"blocked: {blocked(watch.latest())}; {why}")
            time.sleep(SECONDS_BLOCKED)
            still = blocked(watch.latest())
            expect(still > 0, "the backlog was gone before it could have added a pod")
            total = until(10, "the HPA has the metric", lambda: [hpa_total(release.hpa("provider-adapter"))])[0]
            most = watch.required(began, time.time())[1]
            faults = load.wait()
        expect(set(replicas.numbers()) == {1}, f"adapters while only the quota held turns back: {replicas.numbers()}")
        expect(not faults, f"{len(faults)} turns went wrong: {faults[:5]}")
    case.figures.update(blocked_turns=still, most_required_concurrency=most, metric_of_the_hpa=total,
                        ready_adapters=replicas.numbers(), why=why)
    case.step(f"no pod added; required at most {most}; all {TURNS} turns ended well")


main(body)
