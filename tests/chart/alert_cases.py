"""Series, minute by minute, under which each alert fires or stays silent.

A case: the alert, what is the case, series in promtool's notation, after how many minutes it is looked at, and the labels with
which it fires (beside namespace and severity), or None where it is silent. Every series is of namespace "talk".
"""
from typing import NamedTuple

MINUTES = 30


class Case(NamedTuple):
    alert: str
    what: str
    series: dict
    fires: dict | None = None
    at: int = MINUTES


def histogram(name, fast, slow, bound, labels=""):
    """A minute brings `fast` observations below `bound` seconds and `slow` ones up to twice that."""
    comma = "," if labels else ""
    return {f'{name}_bucket{{le="{bound}"{comma}{labels}}}': f"0+{fast}x{MINUTES}",
            f'{name}_bucket{{le="{2 * bound}"{comma}{labels}}}': f"0+{fast + slow}x{MINUTES}",
            f'{name}_bucket{{le="+Inf"{comma}{labels}}}': f"0+{fast + slow}x{MINUTES}"}


def turns(succeeded, failed):
    """Ends in a minute."""
    name = "penstock_dispatcher_turns_ended_total"
    return {f'{name}{{state="SUCCEEDED"}}': f"0+{succeeded}x{MINUTES}",
            f'{name}{{state="FAILED"}}': f"0+{failed}x{MINUTES}"}


def always(value):
    return f"{value}x{MINUTES}"


def lane(in_flight, ready):
    pool = 'pool="sim/echo"'
    return {f'penstock_dispatcher_lane_in_flight{{{pool},lane="sim"}}': always(in_flight),
            f'penstock_dispatcher_lane_concurrency{{{pool},lane="sim"}}': always(64),
            f"penstock_dispatcher_pool_ready{{{pool}}}": always(ready)}


def volume(free, claim="data-chat-penstock-dispatcher-0"):
    return {f'kubelet_volume_stats_available_bytes{{persistentvolumeclaim="{claim}"}}': always(free),
            f'kubelet_volume_stats_capacity_bytes{{persistentvolumeclaim="{claim}"}}': always(100)}


TURN, RECALL = "penstock_dispatcher_turn_seconds", "penstock_rpc_server_seconds"
RECALL_METHOD = 'method="MemoryRecall/Recall"'
BUILD = 'penstock_build_info{service="%s",version="1"}'
WAIT = 'penstock_dispatcher_class_oldest_wait_seconds{pool="sim/echo",class="%s"}'
BREAKER = 'penstock_dispatcher_lane_breaker{pool="sim/echo",lane="sim"}'
LANE = {"pool": "sim/echo", "lane": "sim"}
DEAD = 'penstock_dispatcher_dead_letters_total{pod="%s"}'
EXPIRY = 'penstock_tls_certificate_expiry_seconds{pod="a"}'
DAY = 86400

CASES = [
    Case("PenstockServiceDown", "a service is gone", {BUILD % "dispatcher": "1x20 stale"}, {"service": "dispatcher"}),
    Case("PenstockServiceDown", "one of two pods is gone",
         {'penstock_build_info{service="gateway",pod="a"}': "1x20 stale",
          'penstock_build_info{service="gateway",pod="b"}': always(1)}),
    Case("PenstockServiceDown", "a restart", {BUILD % "dispatcher": "1x20 stale 1x10"}, at=21),
    Case("PenstockTurnsFail", "one in ten fails", turns(9, 1), {}),
    Case("PenstockTurnsFail", "one in a hundred fails", turns(99, 1)),
    Case("PenstockTurnsFail", "two failures in the night",
         {'penstock_dispatcher_turns_ended_total{state="FAILED"}': "0x20 1 2x9",
          'penstock_dispatcher_turns_ended_total{state="SUCCEEDED"}': "0x20 1 2x9"}),
    Case("PenstockTurnsSlow", "one in ten takes more than 5 s", histogram(TURN, 90, 10, 5), {}),
    Case("PenstockTurnsSlow", "one in 100 does", histogram(TURN, 99, 1, 5)),
    Case("PenstockTurnsSlow", "nothing runs", histogram(TURN, 0, 0, 5)),
    Case("PenstockDeadLetters", "one while it is watched", {DEAD % "a": "0x20 1x10"}, {}),
    Case("PenstockDeadLetters", "one right after a start", {DEAD % "a": "0x10 stale", DEAD % "b": "_x12 1x18"}, {}),
    Case("PenstockDeadLetters", "none", {DEAD % "a": always(0)}),
    Case("PenstockDeadLetters", "one, two hours ago", {DEAD % "a": "0x5 1x200"}, at=150),
    Case("PenstockTurnsWait", "for two minutes", {WAIT % "CLASS_PAID": "0x5 60+60x25"},
         {"pool": "sim/echo", "class": "CLASS_PAID"}),
    Case("PenstockTurnsWait", "for half a minute", {WAIT % "CLASS_PAID": always(30)}),
    Case("PenstockTurnsWait", "a batch may wait", {WAIT % "CLASS_BATCH": always(4000)}),
    Case("PenstockLaneSaturated", "full, and turns wait", lane(64, 3), LANE),
    Case("PenstockLaneSaturated", "full, and nobody waits", lane(64, 0)),
    Case("PenstockLaneSaturated", "half full", lane(32, 3)),
    Case("PenstockBreakerOpen", "open, with a trial in between", {BREAKER: "0x20 2 2 1 2 1 2 2 2 2 2"}, LANE),
    Case("PenstockBreakerOpen", "closed again", {BREAKER: "0x20 2 2 1 0x10"}),
    Case("PenstockRecallSlow", "one in ten takes more than 300 ms", histogram(RECALL, 90, 10, 0.3, RECALL_METHOD), {}),
    Case("PenstockRecallSlow", "one in 100 does", histogram(RECALL, 99, 1, 0.3, RECALL_METHOD)),
    Case("PenstockRecallSlow", "another method is slow", histogram(RECALL, 0, 10, 0.3, 'method="MemoryRecall/Ingest"')),
    Case("PenstockDiskFull", "a tenth is free", volume(10),
         {"persistentvolumeclaim": "data-chat-penstock-dispatcher-0"}),
    Case("PenstockDiskFull", "half is free", volume(50)),
    Case("PenstockDiskFull", "another's volume", volume(1, "data-postgres-0")),
    Case("PenstockCertificateExpires", "in three days", {EXPIRY: always(3 * DAY)}, {"pod": "a"}),
    Case("PenstockCertificateExpires", "in thirty days", {EXPIRY: always(30 * DAY)}),
    Case("PenstockCertificateExpires", "there is none", {EXPIRY: always(0)}),
]
