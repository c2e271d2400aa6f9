"""Writes tests/results/NAME.json: record.py NAME FIGURES-FILE STATUS SECONDS.

The commit, the machine, when, how long, whether it passed, and the figures that the test measured.
"""

import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def first_match(path, key):
    """The value of the first line "key : value" of a file of /proc."""
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def git(*arguments):
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def file_system(folder):
    """The type of the file system that holds `folder`, by the longest mount point above it."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(point, kind) for point, kind in mounts
             if os.path.commonpath([point, folder]) == point]
    return max(above, default=("", "unknown"), key=lambda mount: len(mount[0]))[1]


def machine():
    memory_kib = int(first_match("/proc/meminfo", "MemTotal").split()[0])
    return {"cpu": first_match("/proc/cpuinfo", "model name"), "cores": os.cpu_count(),
            "memory_gib": round(memory_kib / 2**20, 1), "kernel": platform.release(),
            "file_system": file_system(str(ROOT))}


def main(name, figures_file, status, seconds):
    text = Path(figures_file).read_text().strip()
    try:
        figures = json.loads(text) if text else {}
    except ValueError as error:
        print(f"{name}: its figures are no JSON ({error}): {text[:200]}", file=sys.stderr)
        return 1
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ":!tests/results")
    result = {"name": name, "passed": status == "0", "commit": git("rev-parse", "HEAD"),
              "uncommitted_changes": None if changed is None else bool(changed),
              "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
              "seconds": float(seconds), "machine": machine(), "figures": figures}
    path = ROOT / "tests" / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
