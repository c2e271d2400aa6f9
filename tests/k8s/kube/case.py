"""What every case has: a name, namespaces, steps that are told, and figures."""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from kube.commands import Failed, apply, read, until

SKIPPED = 77
ROOT = Path(os.environ.get("ROOT", Path(__file__).resolve().parents[3]))
BINARIES = Path(os.environ.get("PENSTOCK_BIN_DIR", ROOT / "build/release/bin"))
WORLD = Path(os.environ.get("WORLD", "/nonexistent"))


class Skip(Exception):
    """This machine, or this state of the tree, cannot show it; the message says why."""


class Case:
    """Told to a case's function: `case.step("…")`, `case.namespace("a")`, `case.figures[…]`."""

    def __init__(self, name):
        self.name = name
        self.figures = {}
        self.started = time.monotonic()

    def step(self, text):
        print(f"  {time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def namespace(self, suffix=""):
        """A new namespace that admits only pods which are restricted."""
        name = f"case-{self.name.split('-')[0]}{'-' if suffix else ''}{suffix}"
        labels = {"penstock-test": self.name, "pod-security.kubernetes.io/enforce": "restricted"}
        apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        until(30, f"service account of {name}", lambda: read("--namespace", name, "serviceaccount", "default"))
        return name


def main(body):
    """Runs body(case); exit status 0 passed, 77 skipped, 1 failed. Figures go to $CASE_FIGURES."""
    case = Case(os.environ.get("CASE", Path(sys.argv[0]).stem))
    status = 1
    try:
        body(case)
        status = 0
    except Skip as reason:
        case.step(f"skipped: {reason}")
        status = SKIPPED
    except Failed as failure:
        case.step(f"FAILED: {failure}")
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
    file = os.environ.get("CASE_FIGURES")
    if file and case.figures:
        Path(file).write_text(json.dumps(case.figures, indent=1))
    sys.exit(status)
