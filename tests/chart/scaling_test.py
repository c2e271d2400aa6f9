"""Who sets the number of pods, and by what."""
import unittest

from rendering import NAMESPACE, RELEASE, render

ADAPTER, GATEWAY = f"{RELEASE}-penstock-provider-adapter", f"{RELEASE}-penstock-gateway"


class ScalingTest(unittest.TestCase):
    def test_nothing_scales_unless_it_is_asked_for(self):
        rendering = render()
        self.assertEqual(rendering.all("HorizontalPodAutoscaler") + rendering.all("ScaledObject"), [])

    def test_adapters_follow_the_required_concurrency(self):
        spec = render("hpa").one("HorizontalPodAutoscaler", ADAPTER)["spec"]
        self.assertEqual(spec["scaleTargetRef"], {"apiVersion": "apps/v1", "kind": "Deployment", "name": ADAPTER})
        self.assertEqual((spec["minReplicas"], spec["maxReplicas"]), (1, 4))
        self.assertEqual(spec["metrics"], [{"type": "External", "external": {
            "metric": {"name": "penstock_required_concurrency"},
            "target": {"type": "AverageValue", "averageValue": "8"}}}])

    def test_the_external_metric_may_be_narrowed(self):
        values = "autoscaling: {providerAdapter: {metricSelector: {app_kubernetes_io_instance: chat}}}"
        metric = render("hpa", values).one("HorizontalPodAutoscaler", ADAPTER)["spec"]["metrics"][0]
        self.assertEqual(metric["external"]["metric"]["selector"],
                         {"matchLabels": {"app_kubernetes_io_instance": "chat"}})

    def test_adapters_may_follow_a_metric_of_their_pods(self):
        metrics = render("hpa-pods").one("HorizontalPodAutoscaler", ADAPTER)["spec"]["metrics"]
        self.assertEqual(metrics, [{"type": "Pods", "pods": {
            "metric": {"name": "requests_in_queue"}, "target": {"type": "AverageValue", "averageValue": "8"}}}])

    def test_gateways_follow_their_open_streams_and_cpu(self):
        metrics = render("hpa").one("HorizontalPodAutoscaler", GATEWAY)["spec"]["metrics"]
        self.assertEqual([metric["type"] for metric in metrics], ["Pods"])
        self.assertEqual(metrics[0]["pods"], {"metric": {"name": "penstock_gateway_open_streams"},
                                              "target": {"type": "AverageValue", "averageValue": "50"}})
        both = render("hpa", "autoscaling: {gateway: {targetCpu: 70}}")
        self.assertEqual(both.one("HorizontalPodAutoscaler", GATEWAY)["spec"]["metrics"][1]["resource"]["target"],
                         {"type": "Utilization", "averageUtilization": 70})

    def test_pods_come_at_once_and_leave_slowly(self):
        values = "autoscaling: {kind: hpa, providerAdapter: {minReplicas: 2}}"
        behavior = render(values=values).one("HorizontalPodAutoscaler", ADAPTER)["spec"]["behavior"]
        self.assertEqual(behavior["scaleUp"]["stabilizationWindowSeconds"], 0)
        self.assertEqual(behavior["scaleDown"], {
            "stabilizationWindowSeconds": 300, "selectPolicy": "Min",
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]})

    def test_keda_asks_the_dispatchers_scaler_where_it_listens(self):
        rendering = render("keda")
        spec = rendering.one("ScaledObject", ADAPTER)["spec"]
        self.assertEqual((spec["minReplicaCount"], spec["maxReplicaCount"]), (0, 4))
        trigger = spec["triggers"][0]
        self.assertEqual((trigger["type"], trigger["metricType"]), ("external-push", "AverageValue"))
        self.assertEqual((trigger["metadata"]["component"], trigger["metadata"]["target"]), ("provider-adapter", "8"))
        self.assertEqual(rendering.one("ScaledObject", GATEWAY)["spec"]["triggers"][0]["metadata"]["component"],
                         "gateway")
        name, port = trigger["metadata"]["scalerAddress"].split(":")
        self.assertEqual(name, f"{RELEASE}-penstock-dispatcher.{NAMESPACE}.svc")
        self.assertEqual(rendering.config("dispatcher")["endpoints"]["scaler"], f"0.0.0.0:{port}")
        self.assertIn({"name": "grpc-scaler", "containerPort": int(port)}, rendering.container("dispatcher")["ports"])
        service = rendering.one("Service", f"{RELEASE}-penstock-dispatcher")["spec"]
        self.assertIn(int(port), [entry["port"] for entry in service["ports"]])

    def test_every_value_of_a_triggers_metadata_is_text(self):
        for name in ("keda", "everything"):
            for scaled in render(name).all("ScaledObject"):
                for trigger in scaled["spec"]["triggers"]:
                    self.assertEqual({type(value) for value in trigger["metadata"].values()}, {str})

    def test_the_scaler_listens_for_keda_only(self):
        rendering = render("hpa")
        self.assertNotIn("scaler", rendering.config("dispatcher")["endpoints"])
        self.assertNotIn("grpc-scaler", [port["name"] for port in rendering.container("dispatcher")["ports"]])

    def test_keda_shows_a_certificate_where_there_is_tls(self):
        rendering = render("everything")
        trigger = rendering.one("ScaledObject", "talk-provider-adapter")["spec"]["triggers"][0]
        self.assertEqual(trigger["metadata"]["enableTLS"], "true")
        authentication = rendering.one("TriggerAuthentication", trigger["authenticationRef"]["name"])["spec"]
        secret = rendering.one("Certificate", "talk-keda")["spec"]["secretName"]
        self.assertEqual({entry["parameter"]: (entry["name"], entry["key"])
                          for entry in authentication["secretTargetRef"]},
                         {"caCert": (secret, "ca.crt"), "tlsClientCert": (secret, "tls.crt"),
                          "tlsClientKey": (secret, "tls.key")})
        self.assertEqual(rendering.config("dispatcher")["tls"]["scaler_callers"],
                         rendering.one("Certificate", "talk-keda")["spec"]["dnsNames"][:1])
        self.assertIn(trigger["metadata"]["scalerAddress"].split(":")[0],
                      rendering.one("Certificate", "talk-dispatcher")["spec"]["dnsNames"])


if __name__ == "__main__":
    unittest.main()
