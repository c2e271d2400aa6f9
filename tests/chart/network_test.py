"""Who may talk to whom: NetworkPolicies as a table of edges."""
import unittest

from rendering import RELEASE, render

FIVE = ("gateway", "dispatcher", "session-state", "memory-recall", "provider-adapter")


def policy(rendering, component):
    return rendering.one("NetworkPolicy", f"{RELEASE}-penstock-{component}")["spec"]


def components_of(peers):
    return [peer["podSelector"]["matchLabels"].get("app.kubernetes.io/component") for peer in peers
            if "podSelector" in peer]


def callers(rendering, component):
    """Components that may open a gRPC connection to this one, by its rules."""
    found = set()
    for rule in policy(rendering, component)["ingress"]:
        if {"port": "grpc"} in rule["ports"] and "from" in rule:
            found.update(components_of(rule["from"]))
    return found


def called(rendering, component):
    found = {}
    for rule in policy(rendering, component)["egress"]:
        for name in components_of(rule.get("to", [])):
            found[name] = rule["ports"][0]["port"]
    return found


class NetworkTest(unittest.TestCase):
    def test_every_pod_is_denied_what_is_not_named(self):
        for component in FIVE:
            self.assertEqual(policy(render(), component)["policyTypes"], ["Ingress", "Egress"])

    def test_only_the_meshs_own_edges_are_open(self):
        rendering = render()
        self.assertEqual(callers(rendering, "dispatcher"), {"gateway"})
        self.assertEqual(callers(rendering, "session-state"), {"gateway", "dispatcher"})
        self.assertEqual(callers(rendering, "memory-recall"), {"gateway", "dispatcher"})
        self.assertEqual(callers(rendering, "provider-adapter"), {"dispatcher"})

    def test_both_ends_of_an_edge_agree(self):
        rendering = render()
        for component in FIVE:
            for other, port in called(rendering, component).items():
                self.assertIn(component, callers(rendering, other))
                self.assertIn({"name": "grpc", "containerPort": port}, rendering.container(other)["ports"])
            for other in callers(rendering, component):
                self.assertIn(component, called(rendering, other))

    def test_everybody_may_call_the_gateway_until_callers_are_named(self):
        self.assertIn({"ports": [{"port": "grpc"}]}, policy(render(), "gateway")["ingress"])
        named = policy(render("networkpolicy"), "gateway")["ingress"][0]
        self.assertIn({"podSelector": {"matchLabels": {"penstock-caller": "true"}}}, named["from"])
        self.assertIn("test", components_of(named["from"]))

    def test_only_adapters_reach_providers(self):
        for component in FIVE:
            anywhere = {} in policy(render(), component)["egress"]
            self.assertEqual(anywhere, component == "provider-adapter")
        self.assertIn({"to": [{"podSelector": {"matchLabels": {"app": "providersim"}}}]},
                      policy(render("networkpolicy"), "provider-adapter")["egress"])

    def test_the_gateway_reaches_issuers_only_if_they_publish_keys(self):
        values = "config: {identity: {issuers: [{issuer: a, tenants: [t], jwks: {url: 'https://a/keys'}}]}}"
        self.assertIn({}, policy(render(values=values), "gateway")["egress"])
        self.assertNotIn({}, policy(render(), "gateway")["egress"])

    def test_keda_reaches_the_scaler_and_nothing_else(self):
        rules = [rule for rule in policy(render("keda"), "dispatcher")["ingress"]
                 if {"port": "grpc-scaler"} in rule["ports"]]
        self.assertEqual(rules, [{"ports": [{"port": "grpc-scaler"}], "from": [
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}}]}])
        self.assertNotIn("grpc-scaler", str(policy(render("hpa"), "dispatcher")))


if __name__ == "__main__":
    unittest.main()
