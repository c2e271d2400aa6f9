"""The expressions of the dashboards, with Grafana's variables as Grafana would put them in."""
import json

from rendering import CHART

FILES = sorted((CHART / "dashboards").glob("*.json"))
VARIABLES = {"$__rate_interval": "1m", "$namespace": ".*", "$pool": ".*", "$provider": ".*"}


def expressions(file):
    """(panel's title, PromQL)"""
    for panel in json.loads(file.read_text())["panels"]:
        for target in panel["targets"]:
            text = target["expr"]
            for variable, value in VARIABLES.items():
                text = text.replace(variable, value)
            yield panel["title"], text
