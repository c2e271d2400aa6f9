"""Every expression of the dashboards is PromQL, and asks for metrics that the services tell."""
import json
import subprocess
import tempfile
import unittest

from panel_expressions import FILES, expressions
from promtool import promtool
from rendering import ROOT, render
from told_metrics import names_in, told_names

ON = "metrics: {dashboards: {enabled: true, labels: {grafana_dashboard: '1'}}}"


class DashboardsTest(unittest.TestCase):
    def test_files_are_what_the_tables_say(self):
        done = subprocess.run(["python3", ROOT / "helm/dashboards.py", "--check"], capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_expression_parses(self):
        # All in one file: promtool names the rule that it cannot parse.
        rules = [{"record": f"panel:{i}", "expr": text}
                 for i, (_, text) in enumerate(pair for file in FILES for pair in expressions(file))]
        self.assertGreater(len(rules), 40)
        self.assertEqual(self.check(rules), "")
        self.assertNotEqual(self.check([{"record": "a", "expr": "sum(rate(a[5m])"}]), "")

    def check(self, rules):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
            file.flush()
            status, told = promtool("check", "rules", file.name)
        return told if status else ""

    def test_every_expression_asks_for_metrics_that_the_services_tell(self):
        for file in FILES:
            for panel, text in expressions(file):
                with self.subTest(file=file.name, panel=panel):
                    self.assertTrue(names_in(text))
                    self.assertEqual(names_in(text) - told_names(), set())

    def test_each_file_is_a_config_map_that_grafanas_sidecar_finds(self):
        maps = {part["metadata"]["name"]: part for part in render(values=ON).all("ConfigMap")}
        for file in FILES:
            part = maps[f"chat-penstock-dashboard-{file.stem}"]
            self.assertEqual(part["metadata"]["labels"]["grafana_dashboard"], "1")
            self.assertEqual(json.loads(part["data"][f"penstock-{file.name}"]), json.loads(file.read_text()))


if __name__ == "__main__":
    unittest.main()
