"""How callers come in: Services, routes, the pods of `helm test`, what NOTES say."""
import unittest

from rendering import CHART, NAMESPACE, RELEASE, ci_file, helm, render

GATEWAY = f"{RELEASE}-penstock-gateway"


def notes(name):
    text = helm("install", RELEASE, CHART, "--namespace", NAMESPACE, "--dry-run=client", "--values", ci_file(name))
    return text.partition("NOTES:\n")[2]


def test_pod(rendering, name):
    return rendering.one("Pod", f"{RELEASE}-penstock-test-{name}")


class AccessTest(unittest.TestCase):
    def test_callers_dial_one_address_or_every_gateway(self):
        one = render().one("Service", GATEWAY)["spec"]
        self.assertEqual(one["ports"], [{"name": "grpc", "port": 7420, "targetPort": "grpc", "appProtocol": "grpc"}])
        self.assertNotIn("clusterIP", one)
        self.assertEqual(render().one("Service", GATEWAY + "-headless")["spec"]["clusterIP"], "None")

    def test_a_load_balancer_is_told_whom_to_let_in(self):
        values = ("gateway: {service: {type: LoadBalancer, port: 443, loadBalancerClass: internal, "
                  "loadBalancerSourceRanges: [10.0.0.0/8], externalTrafficPolicy: Local}}")
        spec = render(values=values).one("Service", GATEWAY)["spec"]
        self.assertEqual((spec["type"], spec["loadBalancerClass"], spec["externalTrafficPolicy"]),
                         ("LoadBalancer", "internal", "Local"))
        self.assertEqual(spec["loadBalancerSourceRanges"], ["10.0.0.0/8"])
        self.assertEqual(spec["ports"][0]["port"], 443)

    def test_a_route_leads_to_the_gateways_service(self):
        spec = render("everything").one("GRPCRoute", "talk-gateway")["spec"]
        self.assertEqual(spec["parentRefs"], [{"name": "entrance"}])
        self.assertEqual(spec["rules"], [{"backendRefs": [{"name": "talk-gateway", "port": 443}]}])

    def test_metrics_of_every_pod_are_scraped_once(self):
        rendering = render("everything")
        monitor = rendering.one("ServiceMonitor", "talk")["spec"]
        found = [service["metadata"]["labels"]["app.kubernetes.io/component"] for service in rendering.all("Service")
                 if monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()]
        self.assertEqual(sorted(found), ["dispatcher", "gateway", "memory-recall", "provider-adapter", "session-state"])
        self.assertEqual(monitor["endpoints"][0]["port"], "http-admin")
        self.assertIn({"action": "labeldrop", "regex": "service"}, monitor["endpoints"][0]["relabelings"])

    def test_helm_test_runs_our_own_image_until_it_passes_or_its_time_is_up(self):
        pod = test_pod(render(), "health")
        self.assertEqual(pod["metadata"]["annotations"]["helm.sh/hook"], "test")
        self.assertEqual((pod["spec"]["restartPolicy"], pod["spec"]["activeDeadlineSeconds"]), ("OnFailure", 120))
        container = pod["spec"]["containers"][0]
        self.assertEqual((container["image"], container["command"], container["args"]),
                         ("penstock:0.1.0", ["/usr/bin/penstock"], ["health"]))
        self.assertIn({"name": "PENSTOCK_ADDRESS", "value": f"{GATEWAY}.{NAMESPACE}.svc:7420"}, container["env"])

    def test_helm_test_talks_when_it_has_a_token(self):
        container = test_pod(render(), "chat")["spec"]["containers"][0]
        self.assertEqual(container["args"], ["chat", "--verbose", "--message", "Hello."])
        self.assertIn({"name": "PENSTOCK_TOKEN", "valueFrom": {"secretKeyRef": {"name": "penstock-test", "key": "token"}}},
                      container["env"])
        without = render(values="helmTest: {token: {existingSecret: ''}}")
        self.assertEqual([pod["metadata"]["name"] for pod in without.all("Pod")], [f"{RELEASE}-penstock-test-health"])

    def test_helm_test_shows_a_certificate_where_there_is_tls(self):
        for name, secret in (("tls", f"{RELEASE}-penstock-client-tls"), ("tls-given", "client-tls")):
            pod = test_pod(render(name), "health")["spec"]
            self.assertEqual(pod["volumes"][0]["secret"]["secretName"], secret)
        own = render("tls-given", "tls: {existingSecrets: {client: ''}}")
        self.assertEqual(test_pod(own, "health")["spec"]["volumes"][0]["secret"]["secretName"], "gateway-tls")


class NotesTest(unittest.TestCase):
    def test_they_say_how_to_make_the_first_call(self):
        text = notes("minimal")
        self.assertIn(f"exec deployment/{GATEWAY} -- penstock token mint --config /etc/penstock/config.yaml", text)
        self.assertIn(f"exec -it deployment/{GATEWAY} -- penstock chat", text)
        self.assertIn(f"port-forward service/{GATEWAY} 7420:7420", text)
        self.assertIn("statefulset/chat-penstock-standalone", notes("standalone"))

    def test_they_warn_of_what_is_not_for_production(self):
        self.assertIn("WARNING: tls.mode is none", notes("minimal"))
        self.assertIn("WARNING: dispatcher.persistence.enabled is false", notes("minimal"))
        self.assertNotIn("persistence", notes("ha"))
        self.assertNotIn("plain text", notes("tls"))


if __name__ == "__main__":
    unittest.main()
