#!/usr/bin/env python3
"""Where the CPU of a turn goes, from `perf script` on standard input.

  perf script --no-inline -F comm,ip,sym,dso | tests/bench/stages.py [CPU_US_PER_TURN]

`tests/bench/run profile` does it all.

A sample belongs to the first stage of STAGES that a function of its stack matches, from the inside out,
so what gRPC spends for the dispatcher is gRPC's. With the number, shares become µs a turn.
"""

import collections
import re
import sys

# (stage, what the innermost matching function looks like, or the library it is in)
STAGES = [
    ("JWT and grants", r"penstock::identity::|libcrypto"),
    ("HTTP client (curl)", r"penstock::http::|libcurl"),
    ("RocksDB", r"rocksdb::|penstock::rocks::|librocksdb"),
    ("metrics and traces", r"prometheus::|penstock::obs::|libprometheus"),
    ("log", r"penstock::Log"),
    ("ranking of memories", r"penstock::memory_recall::"),
    ("session-state", r"penstock::session_state::"),
    ("provider-adapter", r"penstock::provider_adapter::"),
    ("dispatcher", r"penstock::dispatcher::"),
    ("gateway", r"penstock::gateway::"),
    ("protobuf", r"google::protobuf|libprotobuf"),
    ("coroutines (Asio)", r"boost::asio::|penstock::Spawn"),
    ("gRPC", r"grpc|libgpr|penstock::rpc::|absl::"),
]
TOP = 25


def stacks(lines):
    """Lists of (function, library), the innermost first."""
    frames, comm = [], None
    for line in lines:
        if not line.strip():
            if comm is not None:
                yield comm, frames
            frames, comm = [], None
        elif comm is None:
            comm = line.strip()
        else:
            match = re.match(r"\s*[0-9a-f]+ (.*) \(([^()]*)\)$", line.rstrip())
            if match:
                frames.append((short(match.group(1)), match.group(2).rpartition("/")[2]))
    if comm is not None:
        yield comm, frames


def short(name):
    """A function without arguments of it and of its templates."""
    while True:
        shorter = re.sub(r"<[^<>]*>|\([^()]*\)", "", name)
        if shorter == name:
            return name[:90]
        name = shorter


def stage_of(frames):
    for name, library in frames:
        for stage, pattern in STAGES:
            if re.search(pattern, name) or re.search(pattern, library):
                return stage
    return "rest (threads, kernel)"


def table(title, counts, total, per_turn):
    print(f"\n{title}")
    for name, count in counts.most_common(TOP):
        share = count / total
        cost = f"{share * per_turn:8.1f} µs" if per_turn else ""
        print(f"  {share * 100:5.1f} % {cost}  {name}")


def main(per_turn=0.0):
    stages, self_time, inclusive, kernel = (collections.Counter() for _ in range(4))
    total = 0
    for _, frames in stacks(sys.stdin):
        if not frames:
            continue
        total += 1
        stage = stage_of(frames)
        stages[stage] += 1
        kernel[stage] += "kernel" in frames[0][1]
        self_time[f"{frames[0][0]}  ({frames[0][1]})"] += 1
        inclusive.update({name for name, _ in frames})
    if not total:
        raise SystemExit("no samples")
    table(f"by stage, {total} samples", stages, total, per_turn)
    table("of which in the kernel", kernel, total, per_turn)
    table("self", self_time, total, per_turn)
    table("with all that is called", inclusive, total, per_turn)
    ours = collections.Counter({name: count for name, count in inclusive.items()
                                if re.search(r"penstock::(?!rpc::|Spawn)", name)})
    table("with all that is called, our own functions", ours, total, per_turn)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
