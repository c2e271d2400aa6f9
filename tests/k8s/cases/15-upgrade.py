"""A release with volumes, under load: upgraded to another image, rolled back, uninstalled, installed again.

Every turn that was begun ends well, whatever pod it was on, and what was stored is found again.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube.case import main  # noqa: E402
from kube.commands import expect, until  # noqa: E402
from kube.load import Answer, Load  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import CHANGED_IMAGE, Release, uids  # noqa: E402

COMPONENTS = ("gateway", "dispatcher", "session-state", "memory-recall", "provider-adapter")
CALLERS = 12
# Streams of about 4 s, so that some are open at whatever moment a pod is replaced.
ANSWER = Answer(tokens=40, events=20, interval_ms=200)


def change(case, release, name, act):
    """`act` under load: every pod is another one afterwards, and no turn failed."""
    before = {component: uids(release.pods(component)) for component in COMPONENTS}
    with Load(release.address(), CALLERS, ANSWER, users=name) as load:
        until(60, "streams are open", lambda: load.open() >= CALLERS // 2 and load.finished() >= CALLERS)
        began = time.monotonic()
        act()
        seconds = round(time.monotonic() - began, 1)
        faults = load.stop()
    for component in COMPONENTS:
        same = before[component] & uids(release.pods(component))
        expect(not same, f"{name}: pods of {component} are still the old ones: {same}")
    case.figures[name] = dict(load.summary(), seconds=seconds)
    case.step(f"{name} in {seconds} s: {case.figures[name]}")
    expect(not faults, f"{name}: {len(faults)} of {len(load.turns)} turns went wrong: {faults[:5]}")


def sessions(release, user):
    return release.penstock("session", "list", "--limit", "1000", "--output", "json", user=user)


def body(case):
    namespace = case.namespace()
    Provider(namespace)
    release = Release(namespace, "ha")
    release.install()
    release.penstock("chat", "--session", "boat", "--message", "My boat is called Albatross.", user="ann")
    case.step("installed; a session is stored")

    change(case, release, "upgrade", lambda: release.upgrade(CHANGED_IMAGE))
    change(case, release, "rollback", release.rollback)

    stored = sessions(release, "upgrade-0")
    expect(stored.count("sessions/") > 1, f"sessions of a user of the load: {stored}")
    release.uninstall()
    left = until(90, "the pods are gone", lambda: not release.pods() and release.left())
    expect(all(each.startswith("PersistentVolumeClaim/") for each in left) and len(left) == 3,
           f"left after uninstall, expected the three volumes: {left}")
    case.step("uninstalled; the volumes stay")

    release.install()
    expect(sessions(release, "upgrade-0") == stored, "a user's sessions differ after the second installation")
    answer = release.penstock("chat", "--session", "boat", "--message", "What is my boat called?", user="ann")
    expect("Albatross" in answer, f"the session of before the uninstall answers {answer!r}")
    case.step("installed again: every session is there")


main(body)
