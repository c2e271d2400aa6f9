"""What the programs are told, and which secrets they are trusted with."""
import unittest

from rendering import CI_FILES, NAMESPACE, RELEASE, render

HOST = f"{RELEASE}-penstock-%s.{NAMESPACE}.svc.cluster.local:%d"
PORTS = {"gateway": 7420, "dispatcher": 7421, "session-state": 7422, "memory-recall": 7423, "provider-adapter": 7424}


def environment(rendering, component):
    """name -> (Secret, key)"""
    found = {}
    for variable in rendering.container(component)["env"]:
        if "valueFrom" in variable:
            source = variable["valueFrom"]["secretKeyRef"]
            found[variable["name"]] = (source["name"], source["key"])
    return found


class ConfigurationTest(unittest.TestCase):
    def test_each_listens_where_the_others_call_it(self):
        for component, port in PORTS.items():
            endpoints = render().config(component)["endpoints"]
            for other, other_port in PORTS.items():
                expected = f"0.0.0.0:{port}" if other == component else HOST % (other, other_port)
                self.assertEqual(endpoints[other.replace("-", "_")], expected)

    def test_endpoints_are_headless_services_with_that_port(self):
        services = {service["metadata"]["name"]: service["spec"] for service in render().all("Service")}
        for component, port in PORTS.items():
            name = f"{RELEASE}-penstock-{component}"
            headless = services[name + "-headless" if component == "gateway" else name]
            self.assertEqual(headless["clusterIP"], "None")
            self.assertIn(port, [p["port"] for p in headless["ports"]])

    def test_values_go_over_what_the_chart_knows(self):
        config = render(values="config: {process: {threads: 3}, queue: {paid_floor: 0.1}}").config("dispatcher")
        self.assertEqual(config["process"], {"admin": "0.0.0.0:7429", "threads": 3})
        self.assertEqual(config["queue"], {"paid_floor": 0.1})
        self.assertEqual(config["drain"], {"timeout": "30s", "delay": "3s"})

    def test_only_gateway_and_dispatcher_hold_the_root_where_there_are_keys(self):
        rendering = render("ha")
        for component in PORTS:
            identity = rendering.config(component)["identity"]
            variables = environment(rendering, component)
            root = component in ("gateway", "dispatcher")
            self.assertEqual("PENSTOCK_GRANT_ROOT" in variables, root)
            self.assertEqual(identity.get("grant_root"), "${PENSTOCK_GRANT_ROOT}" if root else None)
            if not root:
                self.assertEqual(identity["grant_key"], "${PENSTOCK_GRANT_KEY}")
                self.assertEqual(variables["PENSTOCK_GRANT_KEY"], ("penstock-test", component))

    def test_the_root_before_the_last_change_is_told_to_all_who_hold_the_root(self):
        rendering = render("everything")
        for component in PORTS:
            self.assertEqual(rendering.config(component)["identity"]["previous_grant_root"],
                             "${PENSTOCK_PREVIOUS_GRANT_ROOT}")
            self.assertEqual(environment(rendering, component)["PENSTOCK_PREVIOUS_GRANT_ROOT"],
                             ("penstock-test", "previous-grant-root"))

    def test_issuers_and_their_secrets_are_the_gateways_alone(self):
        rendering = render()
        for component in PORTS:
            public = component == "gateway"
            self.assertEqual("issuers" in rendering.config(component)["identity"], public)
            self.assertEqual("ISSUER_SECRET" in environment(rendering, component), public)

    def test_provider_keys_and_proxies_are_the_adapters_alone(self):
        rendering = render("everything")
        for component in PORTS:
            adapter = component == "provider-adapter"
            provider = rendering.config(component)["providers"][0]
            self.assertEqual("api_key_file" in provider, adapter)
            self.assertEqual("proxy" in provider, adapter)
            self.assertEqual("PROXY" in environment(rendering, component), adapter)
            volumes = rendering.workload(component)["spec"]["template"]["spec"]["volumes"]
            self.assertEqual("provider-keys" in [volume["name"] for volume in volumes], adapter)

    def test_a_provider_key_is_mounted_where_it_is_looked_for(self):
        rendering = render("everything")
        file = rendering.config("provider-adapter")["providers"][0]["api_key_file"]
        volumes = rendering.workload("provider-adapter")["spec"]["template"]["spec"]["volumes"]
        source = next(volume for volume in volumes if volume["name"] == "provider-keys")["projected"]["sources"][0]
        self.assertEqual(source["secret"]["name"], "penstock-test")
        mount = next(m for m in rendering.container("provider-adapter")["volumeMounts"] if m["name"] == "provider-keys")
        item = source["secret"]["items"][0]
        self.assertEqual((item["key"], f"{mount['mountPath']}/{item['path']}"), ("provider", file))

    def test_no_config_map_holds_a_secret(self):
        for file in CI_FILES:
            rendering = render(file.name.removesuffix("-values.yaml"))
            secrets = [value for part in rendering.all("Secret") for value in part["stringData"].values()]
            for part in rendering.all("ConfigMap"):
                for secret in secrets:
                    self.assertNotIn(secret, str(part))

    def test_every_variable_of_a_configuration_is_set_from_a_secret(self):
        for file in CI_FILES:
            rendering = render(file.name.removesuffix("-values.yaml"))
            for part in rendering.workloads():
                component = part["metadata"]["labels"]["app.kubernetes.io/component"]
                text = str(rendering.config(component))
                wanted = {word.split("}")[0] for word in text.split("${")[1:]}
                self.assertLessEqual(wanted, set(environment(rendering, component)), f"{file.name}: {component}")

    def test_standalone_listens_for_callers_and_is_told_everything(self):
        config = render("standalone").config("standalone")
        self.assertEqual(config["endpoints"], {"gateway": "0.0.0.0:7420", "insecure": True})
        self.assertIn("issuers", config["identity"])


class TlsTest(unittest.TestCase):
    def test_each_certificate_has_the_name_that_callers_expect(self):
        rendering = render("tls")
        config = rendering.config("gateway")["tls"]
        for component in PORTS:
            certificate = rendering.one("Certificate", f"{RELEASE}-penstock-{component}")["spec"]
            self.assertIn(config[component.replace("-", "_") + "_name"], certificate["dnsNames"])
            self.assertLessEqual({"server auth", "client auth"}, set(certificate["usages"]))
            volumes = rendering.workload(component)["spec"]["template"]["spec"]["volumes"]
            tls = next(volume for volume in volumes if volume["name"] == "tls")
            self.assertEqual(tls["secret"]["secretName"], certificate["secretName"])

    def test_only_the_meshs_own_edges_are_allowed(self):
        names = {component: f"{RELEASE}-penstock-{component}.{NAMESPACE}.svc" for component in PORTS}
        tls = render("tls").config("dispatcher")["tls"]
        self.assertEqual(tls["dispatcher_callers"], [names["gateway"]])
        self.assertEqual(tls["session_state_callers"], [names["gateway"], names["dispatcher"]])
        self.assertEqual(tls["memory_recall_callers"], [names["gateway"], names["dispatcher"]])
        self.assertEqual(tls["provider_adapter_callers"], [names["dispatcher"]])
        self.assertNotIn("gateway_callers", tls)

    def test_an_authority_of_the_releases_own_signs_where_no_other_is_named(self):
        rendering = render("tls")
        self.assertEqual({issuer["metadata"]["name"] for issuer in rendering.all("Issuer")},
                         {f"{RELEASE}-penstock-self-signed", f"{RELEASE}-penstock-authority"})
        self.assertEqual(render("everything").all("Issuer"), [])
        self.assertEqual(render("everything").one("Certificate", "talk-gateway")["spec"]["issuerRef"],
                         {"name": "mesh", "kind": "ClusterIssuer", "group": "cert-manager.io"})

    def test_given_certificates_are_mounted_and_keep_their_names(self):
        rendering = render("tls-given")
        self.assertEqual(rendering.config("gateway")["tls"]["session_state_name"], "session-state")
        volumes = rendering.workload("session-state")["spec"]["template"]["spec"]["volumes"]
        self.assertIn({"name": "tls", "secret": {"secretName": "session-state-tls", "defaultMode": 0o440}}, volumes)
        self.assertEqual(rendering.all("Certificate"), [])

    def test_nothing_listens_in_plain_text_beside(self):
        for name in ("tls", "tls-given", "standalone-tls"):
            for part in render(name).workloads():
                component = part["metadata"]["labels"]["app.kubernetes.io/component"]
                self.assertNotIn("insecure", render(name).config(component)["endpoints"])

    def test_the_command_in_the_gateways_pod_shows_a_certificate(self):
        variables = {v["name"]: v.get("value") for v in render("tls").container("gateway")["env"]}
        self.assertEqual(variables["PENSTOCK_ADDRESS"], "127.0.0.1:7420")
        self.assertEqual(variables["PENSTOCK_TLS_NAME"], f"{RELEASE}-penstock-gateway.{NAMESPACE}.svc")


if __name__ == "__main__":
    unittest.main()
