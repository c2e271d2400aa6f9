"""Queue depth scales the adapters by a HorizontalPodAutoscaler on a metric of type External, 1 -> 4 -> 1."""

# Tools: prometheus prometheus-adapter

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube import queue_depth  # noqa: E402
from kube.case import main  # noqa: E402
from kube.prometheus import SCRAPE_S, Prometheus  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import Release  # noqa: E402

# A scrape, the adapter's question to Prometheus, and the autoscaler's next look (every 2 s here).
LAG_S = SCRAPE_S + 3


def body(case):
    namespace = case.namespace()
    Provider(namespace)
    release = Release(namespace, "hpa")
    with Prometheus():
        release.install()
        case.step("installed")
        queue_depth.scale(case, release, fewest=1, lag_s=LAG_S)


main(body)
