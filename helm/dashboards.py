#!/usr/bin/env python3
"""Makes the Grafana dashboards of the chart, helm/penstock/dashboards/*.json, from the tables in panels.py.

    helm/dashboards.py           writes them
    helm/dashboards.py --check   writes nothing; status 1, with the files' names, if one would change
"""
import json
import pathlib
import sys

from panels import DASHBOARDS

FOLDER = pathlib.Path(__file__).resolve().parent / "penstock/dashboards"
SOURCE = {"type": "prometheus", "uid": "${source}"}
COLUMNS, HEIGHT = 24, 8


def variable(name, label, query):
    """A choice among the values of a label; all of them at first."""
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": name},
        "definition": query, "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*", "sort": 1,
        "current": {"text": "All", "value": "$__all"},
    }


def variables(names):
    known = {
        "namespace": variable("namespace", "Namespace", "label_values(penstock_build_info, namespace)"),
        "pool": variable("pool", "Model", "label_values(penstock_dispatcher_pool_waiting, pool)"),
        "provider": variable("provider", "Provider", "label_values(penstock_provider_adapter_open_streams, provider)"),
    }
    source = {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}
    return [source] + [known[name] for name in names]


def panel(number, row, spec, place):
    defaults = {"unit": spec.unit, "custom": {"fillOpacity": 30 if spec.stacked else 5, "showPoints": "never"}}
    if spec.stacked:
        defaults["custom"]["stacking"] = {"mode": "normal"}
    if spec.low is not None:
        defaults["min"] = spec.low
    return {
        "id": number, "title": spec.title, "description": spec.meaning, "type": spec.kind, "datasource": SOURCE,
        "gridPos": {"x": place, "y": row, "w": spec.width, "h": HEIGHT},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
        if spec.kind == "timeseries" else {"reduceOptions": {"calcs": ["lastNotNull"]}},
        "targets": [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": query, "legendFormat": legend,
                     "range": True} for i, (query, legend) in enumerate(spec.queries)],
    }


def laid_out(specs):
    """Panels from left to right, then down."""
    panels, row, place = [], 0, 0
    for number, spec in enumerate(specs, start=1):
        if place + spec.width > COLUMNS:
            row, place = row + HEIGHT, 0
        panels.append(panel(number, row, spec, place))
        place += spec.width
    return panels


def dashboard(name, spec):
    return {
        "uid": f"penstock-{name}", "title": spec.title, "tags": ["penstock"], "schemaVersion": 39, "editable": True,
        "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
        "templating": {"list": variables(spec.variables)},
        "links": [{"type": "dashboards", "title": "Penstock", "tags": ["penstock"], "asDropdown": True,
                   "includeVars": True, "keepTime": True}],
        "panels": laid_out(spec.panels),
    }


def main():
    stale = []
    for name, spec in DASHBOARDS.items():
        text = json.dumps(dashboard(name, spec), indent=1) + "\n"
        file = FOLDER / f"{name}.json"
        if file.exists() and file.read_text() == text:
            continue
        stale.append(file)
        if "--check" not in sys.argv[1:]:
            file.write_text(text)
    if "--check" not in sys.argv[1:]:
        return 0
    for file in stale:
        print(f"{file.name} is not what helm/dashboards.py makes; run it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
