"""Prometheus' own checker; PROMTOOL names it."""
import os
import subprocess


def promtool(*arguments):
    """Its exit status, and all that it said."""
    done = subprocess.run([os.environ.get("PROMTOOL", "promtool"), *map(str, arguments)], capture_output=True,
                          text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr
