"""What the pods are: programs, rights, probes, ends, volumes."""
import unittest

from rendering import CI_FILES, RELEASE, render

FIVE = {"gateway": "Deployment", "dispatcher": "StatefulSet", "session-state": "StatefulSet",
        "memory-recall": "StatefulSet", "provider-adapter": "Deployment"}


def pods(rendering):
    """Every pod's spec, with those of `helm test`."""
    yield from (part["spec"]["template"]["spec"] for part in rendering.workloads())
    yield from (part["spec"] for part in rendering.all("Pod"))


def each_ci_file(test):
    for file in CI_FILES:
        name = file.name.removesuffix("-values.yaml")
        with test.subTest(name):
            yield name, render(name)


class WorkloadsTest(unittest.TestCase):
    def test_there_are_five_and_those_with_data_are_stateful(self):
        found = {part["metadata"]["labels"]["app.kubernetes.io/component"]: part["kind"]
                 for part in render().workloads()}
        self.assertEqual(found, FIVE)

    def test_standalone_is_one_stateful_set(self):
        found = [(part["kind"], part["metadata"]["name"]) for part in render("standalone").workloads()]
        self.assertEqual(found, [("StatefulSet", f"{RELEASE}-penstock-standalone")])

    def test_each_runs_its_program_on_the_configuration(self):
        for component in FIVE:
            container = render().container(component)
            self.assertEqual(container["command"], ["/usr/bin/" + component.replace("-", "_")])
            self.assertEqual(container["args"], ["--config=/etc/penstock/config.yaml"])
            mount = next(m for m in container["volumeMounts"] if m["name"] == "config")
            self.assertEqual(mount["subPath"], f"{component}.yaml")

    def test_every_pod_may_run_under_restricted_pod_security(self):
        for _, rendering in each_ci_file(self):
            for pod in pods(rendering):
                context = pod["securityContext"]
                self.assertTrue(context["runAsNonRoot"])
                self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertFalse(pod["automountServiceAccountToken"])
                for container in pod["containers"]:
                    rights = container["securityContext"]
                    self.assertFalse(rights["allowPrivilegeEscalation"])
                    self.assertTrue(rights["readOnlyRootFilesystem"])
                    self.assertEqual(rights["capabilities"], {"drop": ["ALL"]})

    def test_probes_ask_the_plain_admin_port(self):
        for component in FIVE:
            container = render("tls").container(component)
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            self.assertEqual(ports["admin"], 7429)
            probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
            self.assertEqual({probe["port"] for probe in probes.values()}, {"admin"})
            self.assertEqual(probes["livenessProbe"]["path"], "/healthz")
            self.assertEqual(probes["readinessProbe"]["path"], "/readyz")

    def test_a_pod_may_take_ten_seconds_longer_than_its_drain(self):
        def grace(values=""):
            return render(values=values).workload("dispatcher")["spec"]["template"]["spec"][
                "terminationGracePeriodSeconds"]
        self.assertEqual(grace(), 40)
        self.assertEqual(grace("config: {drain: {timeout: 1m30s}}"), 100)
        self.assertEqual(grace("config: {drain: {timeout: 1500ms}}"), 12)
        self.assertEqual(grace("config: {drain: {timeout: 30s, delay: 20s}}"), 55)
        self.assertEqual(grace("config: {drain: null}"), 40)

    def test_data_is_in_a_volume_that_outlives_the_release(self):
        rendering = render("ha")
        for component in ("dispatcher", "session-state", "memory-recall"):
            spec = rendering.workload(component)["spec"]
            self.assertEqual([claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]], ["data"])
            self.assertEqual(spec["persistentVolumeClaimRetentionPolicy"],
                             {"whenDeleted": "Retain", "whenScaled": "Retain"})
            mounts = {m["name"]: m["mountPath"] for m in rendering.container(component)["volumeMounts"]}
            self.assertEqual(mounts["data"], rendering.config(component)["data_dir"])

    def test_whoever_sets_the_number_of_pods_sets_it_alone(self):
        for name, scaled in (("minimal", False), ("hpa", True), ("keda", True)):
            for component in ("gateway", "provider-adapter"):
                self.assertEqual("replicas" not in render(name).workload(component)["spec"], scaled, name)
            self.assertEqual(render(name).workload("dispatcher")["spec"]["replicas"], 1)
        only = render("hpa", "autoscaling: {gateway: {enabled: false}}")
        self.assertEqual(only.workload("gateway")["spec"]["replicas"], 2)

    def test_one_pod_of_each_may_be_evicted_and_any_that_does_not_work(self):
        for _, rendering in each_ci_file(self):
            budgets = {budget["metadata"]["name"]: budget["spec"] for budget in rendering.all("PodDisruptionBudget")}
            self.assertEqual(set(budgets), {part["metadata"]["name"] for part in rendering.workloads()})
            for budget in budgets.values():
                self.assertEqual(budget["maxUnavailable"], 1)
                self.assertEqual(budget["unhealthyPodEvictionPolicy"], "AlwaysAllow")

    def test_selectors_find_the_pods_they_are_meant_for(self):
        for _, rendering in each_ci_file(self):
            labels = {part["metadata"]["name"]: part["spec"]["template"]["metadata"]["labels"]
                      for part in rendering.workloads()}
            def selected(selector):
                return {name for name, have in labels.items() if selector.items() <= have.items()}
            for part in rendering.workloads():
                self.assertEqual(selected(part["spec"]["selector"]["matchLabels"]), {part["metadata"]["name"]})
            for service in rendering.all("Service"):
                name = service["metadata"]["name"].removesuffix("-headless")
                self.assertEqual(selected(service["spec"]["selector"]), {name})
            for budget in rendering.all("PodDisruptionBudget"):
                self.assertEqual(selected(budget["spec"]["selector"]["matchLabels"]), {budget["metadata"]["name"]})

    def test_pods_stay_when_only_the_charts_version_changes(self):
        labels = render().workload("gateway")["spec"]["template"]["metadata"]["labels"]
        self.assertNotIn("helm.sh/chart", labels)
        self.assertNotIn("app.kubernetes.io/version", labels)

    def test_a_changed_configuration_replaces_the_pods(self):
        def checksum(component, values=""):
            return render(values=values).workload(component)["spec"]["template"]["metadata"]["annotations"][
                "checksum/config"]
        changed = "config: {queue: {paid_floor: 0.1}}"
        for component in FIVE:
            self.assertNotEqual(checksum(component), checksum(component, changed))

    def test_pods_are_spread_over_zones_and_nodes_as_far_as_it_can_be_done(self):
        for component in FIVE:
            spread = render().workload(component)["spec"]["template"]["spec"]["topologySpreadConstraints"]
            self.assertEqual([(each["topologyKey"], each["whenUnsatisfiable"]) for each in spread],
                             [("topology.kubernetes.io/zone", "ScheduleAnyway"),
                              ("kubernetes.io/hostname", "ScheduleAnyway")])
            stateful = FIVE[component] == "StatefulSet"
            self.assertEqual({"matchLabelKeys" in each for each in spread}, {not stateful})

    def test_a_stateful_set_goes_back_from_a_version_that_does_not_start(self):
        for component in ("dispatcher", "session-state", "memory-recall"):
            self.assertEqual(render().workload(component)["spec"]["podManagementPolicy"], "Parallel")

    def test_hooks_reach_the_pods(self):
        rendering = render("everything")
        container = rendering.container("provider-adapter")
        environment = {variable["name"]: variable.get("value") for variable in container["env"]}
        self.assertEqual((environment["TZ"], environment["NO_COLOR"]), ("UTC", "1"))
        self.assertEqual(container["envFrom"], [{"configMapRef": {"name": "talk-environment"}}])
        self.assertIn({"name": "scratch", "mountPath": "/scratch"}, container["volumeMounts"])
        self.assertEqual(container["image"], "localhost/penstock:ci")
        rendering.one("ConfigMap", "talk-environment")


if __name__ == "__main__":
    unittest.main()
