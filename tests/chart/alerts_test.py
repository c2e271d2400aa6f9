"""Each alert fires and stays silent when it should (promtool), has a section in the runbook, and asks for metrics that exist."""
import pathlib
import re
import tempfile
import unittest

import yaml

from alert_cases import CASES
from promtool import promtool
from rendering import CHART, render
from told_metrics import names_in, told_names

ON = "metrics: {alerts: {enabled: true, runbookUrl: 'https://example.com/runbook'}}"
# Kubernetes' own.
KUBELET = {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}


def rules(values=ON):
    return {rule["alert"]: rule for group in render(values=values).all("PrometheusRule")[0]["spec"]["groups"]
            for rule in group["rules"]}


def of_namespace(series):
    name, _, labels = series.partition("{")
    return f'{name}{{namespace="talk"' + ("," if labels else "") + (labels or "}")


def group_of(case, severity):
    """One group of promtool's tests."""
    samples = []
    if case.fires is not None:
        labels = {"alertname": case.alert, "alertstate": "firing", "namespace": "talk", "severity": severity,
                  **case.fires}
        text = ",".join(f'{key}="{value}"' for key, value in labels.items())
        samples = [{"labels": f"ALERTS{{{text}}}", "value": 1}]
    return {
        "name": f"{case.alert}: {case.what}",
        "interval": "1m",
        "input_series": [{"series": of_namespace(series), "values": values} for series, values in case.series.items()],
        "promql_expr_test": [{
            "expr": f'ALERTS{{alertname="{case.alert}",alertstate="firing"}}',
            "eval_time": f"{case.at}m",
            "exp_samples": samples,
        }],
    }


class AlertsTest(unittest.TestCase):
    def run_promtool(self, groups):
        spec = render(values=ON).all("PrometheusRule")[0]["spec"]
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "rules.yaml").write_text(yaml.safe_dump(spec))
            cases = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": groups}
            (pathlib.Path(folder) / "cases.yaml").write_text(yaml.safe_dump(cases))
            status, told = promtool("check", "rules", f"{folder}/rules.yaml")
            self.assertEqual(status, 0, told)
            return promtool("test", "rules", f"{folder}/cases.yaml")

    def test_each_fires_and_stays_silent(self):
        severities = {name: rule["labels"]["severity"] for name, rule in rules().items()}
        status, told = self.run_promtool([group_of(case, severities[case.alert]) for case in CASES])
        self.assertEqual(status, 0, told)

    def test_a_case_that_is_wrong_is_noticed(self):
        fires = next(case for case in CASES if case.fires is not None)
        status, _ = self.run_promtool([group_of(fires._replace(fires=None), "critical")])
        self.assertNotEqual(status, 0)

    def test_every_alert_has_cases_of_both_kinds(self):
        for alert in rules():
            kinds = {case.fires is not None for case in CASES if case.alert == alert}
            self.assertEqual(kinds, {True, False}, alert)
        self.assertEqual({case.alert for case in CASES} - set(rules()), set())

    def test_every_alert_has_a_section_in_the_runbook_and_a_link_to_it(self):
        sections = re.findall(r"^## (\w+)$", (CHART / "RUNBOOK.md").read_text(), re.MULTILINE)
        self.assertEqual(sorted(sections), sorted(rules()))
        for name, rule in rules().items():
            self.assertEqual(rule["annotations"]["runbook_url"], f"https://example.com/runbook#{name.lower()}")

    def test_alerts_ask_for_metrics_that_the_services_tell(self):
        for name, rule in rules().items():
            self.assertEqual(names_in(rule["expr"]) - told_names() - KUBELET, set(), name)

    def test_thresholds_are_the_values(self):
        values = ON.replace("enabled: true", "enabled: true, turnP95Seconds: 9, diskFree: 0.25, certificateDays: 3")
        self.assertIn("> 9", rules(values)["PenstockTurnsSlow"]["expr"])
        self.assertIn("< 0.25", rules(values)["PenstockDiskFull"]["expr"])
        self.assertIn(f"< {3 * 86400}", rules(values)["PenstockCertificateExpires"]["expr"])

    def test_adapters_that_keda_scales_to_none_are_not_missed(self):
        expression = rules("autoscaling: {kind: keda, providerAdapter: {minReplicas: 0}}\n" + ON)[
            "PenstockServiceDown"]["expr"]
        self.assertIn('service!="provider-adapter"', expression)
        self.assertNotIn("provider-adapter", rules()["PenstockServiceDown"]["expr"])


if __name__ == "__main__":
    unittest.main()
