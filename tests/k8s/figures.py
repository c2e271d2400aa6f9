"""The figures of a run as one JSON object: figures.py WORLD."""

import json
import sys
from pathlib import Path


def main(folder):
    world = Path(folder)
    cases = {}
    for line in (world / "results").read_text().splitlines():
        name, status, seconds = line.split()
        file = world / "figures" / f"{name}.json"
        cases[name] = {"outcome": {"0": "passed", "77": "skipped"}.get(status, "failed"), "seconds": float(seconds),
                       **(json.loads(file.read_text()) if file.exists() else {})}
    start = float((world / "start-seconds").read_text())
    print(json.dumps({"seconds_until_the_cluster_was_up": start, "cases": cases}))


if __name__ == "__main__":
    main(sys.argv[1])
