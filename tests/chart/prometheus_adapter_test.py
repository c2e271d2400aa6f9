"""The delivered rules of prometheus-adapter, as PromQL: what an HPA is told."""
import pathlib
import tempfile
import unittest

import yaml

from promtool import promtool
from rendering import CHART, render
from told_metrics import names_in, told_names

FILE = yaml.safe_load((CHART / "prometheus-adapter.yaml").read_text())
RULES = {"external": FILE["externalRules"], "custom": FILE["rules"]}
REQUIRED = 'penstock_dispatcher_required_concurrency{namespace="%s",pod="d-0",pool="%s"}'
ADAPTER = 'penstock_build_info{namespace="%s",pod="%s",service="provider-adapter",version="1"}'


def rule(kind, name):
    found = [each for each in RULES[kind] if (each.get("name") or {}).get("as", each["seriesQuery"].split("{")[0]) == name]
    assert len(found) == 1, f"{name}: found {len(found)} rules"
    return found[0]


def query(of, matchers):
    """As prometheus-adapter fills it in when it is asked for pods."""
    series = of["seriesQuery"].split("{")[0] or of["seriesQuery"].split('"')[1]
    return (of["metricsQuery"].replace("<<.Series>>", series).replace("<<.LabelMatchers>>", matchers)
            .replace("<<.GroupBy>>", "pod"))


def told(expression, series, samples):
    """Whether this is what Prometheus answers after 5 minutes."""
    case = {"evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": "5m", "exp_samples": [
            {"labels": labels, "value": value} for labels, value in samples.items()]}]}]}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "case.yaml"
        file.write_text(yaml.safe_dump(case))
        return promtool("test", "rules", file)


class PrometheusAdapterTest(unittest.TestCase):
    def assert_told(self, *arguments):
        status, output = told(*arguments)
        self.assertEqual(status, 0, output)

    def test_the_external_metric_is_the_sum_over_the_pools_of_one_namespace(self):
        expression = query(rule("external", "penstock_required_concurrency"), 'namespace="talk"')
        series = {REQUIRED % ("talk", "a"): "30x5", REQUIRED % ("talk", "b"): "12x5",
                  REQUIRED % ("other", "a"): "500x5"}
        self.assert_told(expression, series, {"{}": 42})

    def test_the_external_metric_is_there_when_nothing_is_to_do(self):
        expression = query(rule("external", "penstock_required_concurrency"), 'namespace="talk"')
        self.assert_told(expression, {REQUIRED % ("talk", "a"): "0x5"}, {"{}": 0})

    def test_each_live_adapter_is_given_its_part_of_the_total(self):
        expression = query(rule("custom", "requests_in_queue"), 'namespace="talk",pod=~"a-1|a-2"')
        series = {REQUIRED % ("talk", "a"): "30x5", REQUIRED % ("talk", "b"): "6x5",
                  ADAPTER % ("talk", "a-1"): "1x5", ADAPTER % ("talk", "a-2"): "1x5",
                  ADAPTER % ("talk", "a-3"): "1x5", ADAPTER % ("talk", "gone"): "1 1 stale",
                  ADAPTER % ("other", "a-1"): "1x5", REQUIRED % ("other", "a"): "500x5"}
        self.assert_told(expression, series, {'{namespace="talk",pod="a-1"}': 12, '{namespace="talk",pod="a-2"}': 12})

    def test_each_gateway_is_told_its_open_streams(self):
        expression = query(rule("custom", "penstock_gateway_open_streams"), 'namespace="talk",pod=~"g-1|g-2"')
        name = 'penstock_gateway_open_streams{namespace="talk",pod="%s"}'
        self.assert_told(expression, {name % "g-1": "7x5", name % "g-2": "3x5", name % "g-3": "9x5"},
                         {'{pod="g-1"}': 7, '{pod="g-2"}': 3})

    def test_a_wrong_expectation_is_noticed(self):
        expression = query(rule("external", "penstock_required_concurrency"), 'namespace="talk"')
        self.assertNotEqual(told(expression, {REQUIRED % ("talk", "a"): "1x5"}, {"{}": 2})[0], 0)

    def test_rules_ask_for_metrics_that_the_services_tell(self):
        for each in RULES["external"] + RULES["custom"]:
            self.assertEqual(names_in(query(each, "")) - told_names(), set())

    def test_every_metric_that_an_autoscaler_asks_for_has_a_rule(self):
        for name in ("hpa", "hpa-pods"):
            for scaler in render(name).all("HorizontalPodAutoscaler"):
                for metric in scaler["spec"]["metrics"]:
                    kind = {"External": "external", "Pods": "custom"}[metric["type"]]
                    asked = metric[metric["type"].lower()]["metric"]["name"]
                    self.assertTrue(names_in(query(rule(kind, asked), "")))


if __name__ == "__main__":
    unittest.main()
