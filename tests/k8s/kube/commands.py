"""kubectl and helm of the world, and waiting for what they tell."""

import json
import subprocess
import time


class Failed(Exception):
    """A case that did not see what it has to see; the message says what was expected and found."""


def run(*command, text=None, seconds=60, environment=None):
    """Output of a command that has to succeed."""
    done = attempt(*command, text=text, seconds=seconds, environment=environment)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def attempt(*command, text=None, seconds=60, environment=None):
    """A command that may fail: returncode, stdout, stderr."""
    try:
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds,
                              env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{' '.join(command)}: not done within {seconds} s") from error


def kubectl(*arguments, text=None, seconds=60):
    return run("kubectl", *arguments, text=text, seconds=seconds)


def read(*arguments):
    """What `kubectl get` answers, as the object it is."""
    return json.loads(kubectl("get", *arguments, "--output", "json"))


def read_raw(path):
    return json.loads(kubectl("get", "--raw", path))


def apply(*objects, namespace="default"):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    kubectl("--namespace", namespace, "apply", "--server-side", "--filename", "-", text=text)


def helm(*arguments, seconds=180):
    return run("helm", *arguments, seconds=seconds)


def until(seconds, what, look, pause=0.2):
    """The first true answer of `look`; Failed when there is none in time. A look that fails is no answer."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            last = look()
            if last:
                return last
        except (Failed, KeyError, IndexError, OSError) as error:
            last = error
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}; last seen: {last}")
        time.sleep(pause)


def expect(condition, message):
    if not condition:
        raise Failed(message)
