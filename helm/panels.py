"""What the dashboards show. `IN` narrows a metric to the namespaces that are chosen."""
from typing import NamedTuple

IN = 'namespace=~"$namespace"'
POOL = IN + ', pool=~"$pool"'
PROVIDER = IN + ', provider=~"$provider"'
RATE = "[$__rate_interval]"


class Panel(NamedTuple):
    title: str
    meaning: str
    # (PromQL, legend)
    queries: list
    unit: str = "short"
    width: int = 8
    kind: str = "timeseries"
    stacked: bool = False
    low: float | None = 0


class Dashboard(NamedTuple):
    title: str
    variables: list
    panels: list


def rate(metric, by, labels=IN):
    return f"sum by ({by}) (rate({metric}{{{labels}}}{RATE}))"


def quantiles(metric, labels=IN, by=""):
    """Half, 95 and 99 of 100 are below."""
    group = f"le, {by}" if by else "le"
    told = "{{" + by + "}} " if by else ""
    return [(f"histogram_quantile({q}, sum by ({group}) (rate({metric}_bucket{{{labels}}}{RATE})))", f"{told}p{name}")
            for q, name in ((0.5, "50"), (0.95, "95"), (0.99, "99"))]


def quantile(q, metric, by, labels=IN):
    return f"histogram_quantile({q}, sum by (le, {by}) (rate({metric}_bucket{{{labels}}}{RATE})))"


OVERVIEW = Dashboard("Penstock: overview", ["namespace"], [
    Panel("Turns a second", "Turns that ended, by how.",
          [(rate("penstock_dispatcher_turns_ended_total", "state"), "{{state}}")], "ops", stacked=True),
    Panel("Failed", "Part of the turns that ended FAILED.",
          [(f'sum(rate(penstock_dispatcher_turns_ended_total{{{IN}, state="FAILED"}}{RATE})) / '
            f"(sum(rate(penstock_dispatcher_turns_ended_total{{{IN}}}{RATE})) > 0) or vector(0)", "failed")],
          "percentunit"),
    Panel("Turn", "From acceptance to the end.", quantiles("penstock_dispatcher_turn_seconds"), "s"),
    Panel("Alive", "Turns accepted and not ended; of those, the ones that wait for their caller's tools.",
          [(f"sum(penstock_dispatcher_live_turns{{{IN}}})", "alive"),
           (f"sum(penstock_dispatcher_awaiting_tools{{{IN}}})", "waiting for tools")]),
    Panel("Open streams", "Turns that callers stream, watch or wait for, by gateway.",
          [(f"sum by (pod, instance) (penstock_gateway_open_streams{{{IN}}})", "{{pod}} {{instance}}")], stacked=True),
    Panel("Refused", "Public calls that ended with a refusal, by reason.",
          [(f"{rate('penstock_gateway_refusals_total', 'reason')} > 0 or vector(0)", "{{reason}}")], "ops"),
    Panel("Waiting for a permit", "From acceptance to the first permit, 95 of 100, by class.",
          [(quantile(0.95, "penstock_dispatcher_wait_seconds", "class"), "{{class}}")], "s"),
    Panel("Calls between services", "95 of 100, by method; the slowest ten.",
          [("topk(10, " + quantile(0.95, "penstock_rpc_server_seconds", "method") + ")", "{{method}}")], "s"),
    Panel("Synced writes", "Of the stores, 95 of 100.",
          [(quantile(0.95, "penstock_store_commit_sync_seconds", "store"), "{{store}}")], "s"),
    Panel("Recall", "Of memory-recall.",
          quantiles("penstock_rpc_server_seconds", IN + ', method="MemoryRecall/Recall"'), "s"),
    Panel("Without memories", "Turns that went on without the memories they wanted, a second.",
          [(f"sum(rate(penstock_dispatcher_recall_degraded_total{{{IN}}}{RATE}))", "turns")], "ops"),
    Panel("Running", "Processes, by service and version.",
          [(f"count by (service, version) (penstock_build_info{{{IN}}})", "{{service}} {{version}}")]),
])

QUEUE = Dashboard("Penstock: queue and lanes", ["namespace", "pool"], [
    Panel("Waiting", "Turns in line: heads of their sessions, by class.",
          [(f"sum by (class) (penstock_dispatcher_class_waiting{{{POOL}}})", "{{class}}")], stacked=True),
    Panel("Oldest wait", "Since the first of those in line joined it, by class.",
          [(f"max by (class) (penstock_dispatcher_class_oldest_wait_seconds{{{POOL}}})", "{{class}}")], "s"),
    Panel("Coming and starting", "Turns that join the line, and that are given a permit, a second.",
          [(f"sum(penstock_dispatcher_class_arrivals_per_second{{{POOL}}})", "come"),
           (f"sum(penstock_dispatcher_class_starts_per_second{{{POOL}}})", "start")], "ops"),
    Panel("Prepared and running", "By model: turns that want a permit, and calls under way.",
          [(f"sum by (pool) (penstock_dispatcher_pool_ready{{{POOL}}})", "{{pool}} ready"),
           (f"sum by (pool) (penstock_dispatcher_pool_in_flight{{{POOL}}})", "{{pool}} running")]),
    Panel("Lanes in use", "Part of what a lane may have at a time.",
          [(f"max by (pool, lane) (penstock_dispatcher_lane_in_flight{{{POOL}}} / "
            f"penstock_dispatcher_lane_concurrency{{{POOL}}})", "{{pool}} {{lane}}")], "percentunit"),
    Panel("Limits in use", "Part of a lane's known limits that is used; below 1 after a refusal.",
          [(f"min by (pool, lane) (penstock_dispatcher_lane_rate_factor{{{POOL}}})", "{{pool}} {{lane}}")],
          "percentunit"),
    Panel("Breakers", "0: closed, 1: one call tries it, 2: left alone.",
          [(f"max by (pool, lane) (penstock_dispatcher_lane_breaker{{{POOL}}})", "{{pool}} {{lane}}")]),
    Panel("Pauses", "Until a lane may be called again after \"too many requests\".",
          [(f"max by (pool, lane) (penstock_dispatcher_lane_pause_seconds{{{POOL}}})", "{{pool}} {{lane}}")], "s"),
    Panel("First output", "From permit to first output, a mean of the last calls of a lane.",
          [(f"max by (pool, lane) (penstock_dispatcher_lane_first_output_seconds{{{POOL}}})", "{{pool}} {{lane}}")],
          "s"),
    Panel("Required concurrency", "What adapters are scaled by: calls under way, and turns that more adapters could start now.",
          [(f"sum by (pool) (penstock_dispatcher_required_concurrency{{{POOL}}})", "{{pool}}")], stacked=True),
    Panel("Held back", "Turns that limits hold back, by what; more adapters would not help them.",
          [(f"sum by (reason) (penstock_dispatcher_pool_quota_blocked{{{POOL}}})", "{{reason}}")], stacked=True),
    Panel("Refused at the door", "Turns that were not accepted, by reason.",
          [(f"{rate('penstock_dispatcher_refused_total', 'reason')} > 0 or vector(0)", "{{reason}}")], "ops"),
    Panel("Estimates kept", "Turns that started, by how the wait kept to the estimate first given.",
          [(rate("penstock_dispatcher_eta_starts_total", "within"), "{{within}}")], "ops", stacked=True),
    Panel("Again", "Attempts after the first, fallbacks, runs after a restart, calls that no adapter took.",
          [(f"sum(rate(penstock_dispatcher_repeated_attempts_total{{{IN}}}{RATE}))", "attempts"),
           (f"sum(rate(penstock_dispatcher_fallbacks_total{{{IN}}}{RATE}))", "fallbacks"),
           (f"sum(rate(penstock_dispatcher_reruns_total{{{IN}}}{RATE}))", "runs"),
           (f"sum(rate(penstock_dispatcher_calls_not_taken_total{{{IN}}}{RATE}))", "not taken")], "ops"),
    Panel("Memories to be made", "Turns whose memories are not ingested yet.",
          [(f"sum(penstock_dispatcher_ingest_backlog{{{IN}}})", "backlog")]),
])

PROVIDERS = Dashboard("Penstock: providers and cost", ["namespace", "provider"], [
    Panel("Cost an hour", "At the present rate, where prices are known; cut calls are not in it.",
          [(f"3600 * {rate('penstock_provider_adapter_cost_usd_total', 'model', PROVIDER)}", "{{model}}")],
          "currencyUSD", stacked=True),
    Panel("Cost in the last day", "Where prices are known.",
          [(f"sum by (model) (increase(penstock_provider_adapter_cost_usd_total{{{PROVIDER}}}[1d]))", "{{model}}")],
          "currencyUSD", kind="stat"),
    Panel("Tokens a second", "As providers report them.",
          [(rate("penstock_provider_adapter_tokens_total", "kind", PROVIDER + ', kind=~"input|output"'), "{{kind}}")],
          stacked=True),
    Panel("Input from the cache", "Part of the input that providers read from their caches.",
          [(f'sum by (model) (rate(penstock_provider_adapter_tokens_total{{{PROVIDER}, kind="cache_read"}}{RATE})) / '
            f'(sum by (model) (rate(penstock_provider_adapter_tokens_total{{{PROVIDER}, kind="input"}}{RATE})) > 0)',
            "{{model}}")], "percentunit"),
    Panel("Calls", "By outcome: OK, CANCELLED or the kind of error.",
          [(f"{rate('penstock_provider_adapter_calls_total', 'provider, outcome', PROVIDER)} > 0",
            "{{provider}} {{outcome}}")], "ops", stacked=True),
    Panel("First token", "From the start of a call to the first text, 95 of 100.",
          [(quantile(0.95, "penstock_provider_adapter_time_to_first_token_seconds", "provider, model", PROVIDER),
            "{{provider}} {{model}}")], "s"),
    Panel("Streams", "Calls under way, by provider.",
          [(f"sum by (provider) (penstock_provider_adapter_open_streams{{{PROVIDER}}})", "{{provider}}")]),
    Panel("Connections", "To providers or their proxies; opened a second.",
          [(f"sum by (provider) (penstock_provider_adapter_open_connections{{{PROVIDER}}})", "{{provider}} open"),
           (rate("penstock_provider_adapter_connections_opened_total", "provider", PROVIDER), "{{provider}} opened/s")]),
    Panel("Bytes a second", "Bodies of requests and answers.",
          [(rate("penstock_provider_adapter_sent_bytes_total", "provider", PROVIDER), "{{provider}} sent"),
           (rate("penstock_provider_adapter_received_bytes_total", "provider", PROVIDER), "{{provider}} received")],
          "Bps"),
    Panel("Full adapters", "Calls that an adapter refused because it had as many as it may have.",
          [(rate("penstock_provider_adapter_refused_total", "provider", PROVIDER), "{{provider}}")], "ops"),
    Panel("Too many requests", "Calls that providers refused with it.",
          [(f"sum(rate(penstock_dispatcher_rate_limited_total{{{IN}}}{RATE}))", "calls")], "ops"),
    Panel("Paid twice", "Streams that broke after the call was sent, and turns run again after a restart.",
          [(f"sum(rate(penstock_dispatcher_lost_streams_total{{{IN}}}{RATE}))", "lost streams"),
           (f"sum(rate(penstock_dispatcher_reruns_total{{{IN}}}{RATE}))", "runs again")], "ops"),
])

DASHBOARDS = {"overview": OVERVIEW, "queue-and-lanes": QUEUE, "providers-and-cost": PROVIDERS}
