"""Queue depth scales the adapters by KEDA's own operator and the dispatcher's scaler, 0 -> 1 -> 4 -> 0."""

# Tools: keda-operator keda-adapter keda-crds

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube import queue_depth  # noqa: E402
from kube.case import main  # noqa: E402
from kube.keda import Keda  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import Release  # noqa: E402

# KEDA asks the dispatcher while the autoscaler waits; the status is at most one look (2 s) old.
LAG_S = 3


def body(case):
    namespace = case.namespace()
    Provider(namespace)
    release = Release(namespace, "keda")
    with Keda():
        release.install()
        case.step("installed")
        queue_depth.scale(case, release, fewest=0, lag_s=LAG_S)


main(body)
