"""A Secret without the key that the chart was told, and one whose value is no key: the pod says which."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube.case import main  # noqa: E402
from kube.commands import Failed, attempt, expect, until  # noqa: E402
from kube.release import Release  # noqa: E402


def install_in_vain(release):
    try:
        release.install(seconds=8)
    except Failed:
        return
    raise Failed("the installation succeeded with a wrong secret")


def waiting(pod):
    return pod["status"]["containerStatuses"][0]["state"].get("waiting", {})


def log_of(release, pod):
    """Of the container that runs, or of the one before it."""
    name = ["--namespace", release.namespace, "logs", pod["metadata"]["name"]]
    return attempt("kubectl", *name, "--previous").stdout or attempt("kubectl", *name).stdout


def body(case):
    missing = Release(case.namespace("missing"), "minimal", settings={"secrets.grantRoot.key": "no-such-key"})
    install_in_vain(missing)
    state = until(60, "the pod waits for its secret", lambda: waiting(missing.pods("dispatcher")[0]))
    expect("no-such-key" in state.get("message", "") and "penstock-test" in state["message"],
           f"a missing key is told as {state}")
    case.figures["missing_key"] = state["message"]
    case.step(f"missing: {state['reason']}: {state['message']}")

    # The issuer's secret is base64 of 32 bytes, the token is not.
    wrong = Release(case.namespace("wrong"), "minimal", settings={"secrets.grantRoot.key": "token"})
    install_in_vain(wrong)
    log = until(60, "the program says what is wrong", lambda: log_of(wrong, wrong.pods("dispatcher")[0]))
    expect("grant_root" in log, f"the log does not name the setting: {log[-500:]}")
    expect("eyJhbGci" not in log, "the log holds the secret")
    case.figures["wrong_value"] = log.strip().splitlines()[-1]
    case.step(f"wrong: {case.figures['wrong_value']}")


main(body)
