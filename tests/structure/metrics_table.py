#!/usr/bin/env python3
"""The table of all metrics, from the code that declares them: metrics_table.py [--check] [ROOT].

Prints the page deploy/config/METRICS.md. With --check it says whether the page is that. Exit status:
0 it is, 1 it is not, or a metric is declared in a way that cannot be read; 2 wrong arguments.

A metric is declared by AddCounter, AddGauge or AddHistogram of obs::Metrics, with its name and help as
literals or as constants of the same file, and its labels as a list there or as the variable `labels`.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

PAGE = Path("deploy/config/METRICS.md")
SERVICES = {
    "gateway": "gateway",
    "dispatcher": "dispatcher",
    "session_state": "session-state",
    "memory_recall": "memory-recall",
    "provider_adapter": "provider-adapter",
}
LIBRARIES = {
    "host": "every process",
    "rpc": "every process",
    "rocksdb": "dispatcher, session-state, memory-recall",
}
# The first that fits; the others are counts.
UNITS = [
    (r"(timestamp|expiry)_seconds$", "seconds since 1970"),
    (r"_seconds$", "seconds"),
    (r"_bytes(_total)?$", "bytes"),
    (r"_per_second$", "1/s"),
    (r"_(ratio|factor)$", "part of 1"),
    (r"(_breaker|_full|_info)$", "state"),
]
HEAD = "| Name | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n"
INTRODUCTION = """<!-- Made from the sources by tests/structure/metrics_table.py. -->
# Metrics

What each process shows at `/metrics` of its admin port (`process.admin`), in Prometheus' text format. In standalone one process shows
all of them. No label has a user, session or turn. A histogram has the series `_bucket`, `_sum` and `_count`.
"""


class Unreadable(Exception):
    pass


@dataclass(frozen=True)
class Metric:
    name: str
    kind: str
    labels: tuple
    meaning: str

    @property
    def unit(self):
        return next((unit for end, unit in UNITS if re.search(end, self.name)), "count")


def arguments_of(text, begin):
    """The arguments of a call whose opening parenthesis is at `begin`."""
    arguments, depth, start, quoted = [], 0, begin + 1, False
    for at in range(begin, len(text)):
        char = text[at]
        if char == '"' and text[at - 1] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0:
                return arguments + [text[start:at].strip()]
        elif char == "," and depth == 1:
            arguments.append(text[start:at].strip())
            start = at + 1
    raise Unreadable("a call without an end")


def literal(argument, text):
    """The text that literals, or a constant of the file, stand for."""
    if re.fullmatch(r"k\w+", argument):
        constant = re.search(rf"\b{argument}(?:\[\])?\s*=\s*((?:\"[^\"]*\"\s*)+);", text)
        argument = constant.group(1) if constant else argument
    if not re.fullmatch(r'(?:"[^"]*"\s*)+', argument):
        raise Unreadable(f"found {argument!r}, expected a literal")
    return "".join(re.findall(r'"([^"]*)"', argument))


def labels_of(argument, text, place):
    if argument == "labels":
        found = re.findall(r"Labels labels = (\{\{.*?\}\});", text[:place], re.DOTALL)
        argument = found[-1] if found else argument
    if not argument.startswith("{{"):
        raise Unreadable(f"found labels {argument!r}, expected a list")
    return tuple(re.findall(r'\{\s*"(\w+)"', argument))


def metrics_of(text):
    for call in re.finditer(r"\bAdd(Counter|Gauge|Histogram)\(", text):
        kind = call.group(1).lower()
        arguments = arguments_of(text, call.end() - 1)
        rest = arguments[3 if kind == "histogram" else 2 :]
        labels = labels_of(rest[0], text, call.start()) if rest else ()
        meaning = literal(arguments[1], text).rstrip(".")
        yield Metric(literal(arguments[0], text), kind, labels, meaning)


def sources(root):
    for path in sorted([*root.glob("services/**/*.cc"), *root.glob("libs/**/*.cc")]):
        name = path.relative_to(root)
        owner = SERVICES.get(name.parts[1]) or LIBRARIES.get(name.parts[1])
        if name.stem.endswith("_test") or name.parts[:2] == ("libs", "obs"):
            continue
        yield name, owner, path.read_text()


def collect(root):
    """Every metric once, by who shows it."""
    tables, known = {}, {}
    for name, owner, text in sources(root):
        try:
            for metric in metrics_of(text):
                if owner is None:
                    raise Unreadable("nobody is known to show this folder's metrics")
                if known.setdefault(metric.name, metric) != metric:
                    raise Unreadable(f"{metric.name} is declared elsewhere with other words")
                tables.setdefault(owner, {})[metric.name] = metric
        except Unreadable as why:
            raise Unreadable(f"{name}: {why}") from None
    for name, _, text in sources(root):
        for other in sorted(set(re.findall(r'"(penstock_[a-z0-9_]+)"', text)) - set(known)):
            raise Unreadable(f"{name}: {other} is declared nowhere")
    return tables


def row(metric):
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    meaning = metric.meaning.replace("|", "\\|")
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {meaning} |\n"


def page(root):
    tables = collect(root)
    text = INTRODUCTION
    for owner in [*SERVICES.values(), *dict.fromkeys(LIBRARIES.values())]:
        if owner in tables:
            rows = "".join(row(tables[owner][name]) for name in sorted(tables[owner]))
            text += f"\n## {owner}\n\n{HEAD}{rows}"
    return text


def main(arguments):
    check = arguments[:1] == ["--check"]
    arguments = arguments[1:] if check else arguments
    if len(arguments) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    try:
        made = page(root)
    except Unreadable as why:
        print(why, file=sys.stderr)
        return 1
    if not check:
        print(made, end="")
        return 0
    if (root / PAGE).is_file() and (root / PAGE).read_text() == made:
        return 0
    print(f"{PAGE} is not what the code says. Write it anew with:\n"
          f"  tests/structure/metrics_table.py > {PAGE}", file=sys.stderr)  # fmt: skip
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
