"""A wrong value is refused, and its path is told."""
import unittest

from rendering import refusal, render

# Values, and what the refusal has to say.
REFUSED = [
    ("{gateway: {replicas: many}}", "/gateway/replicas"),
    ("{gateway: {replicaCount: 2}}", "'replicaCount' not allowed"),
    ("{dispatcher: {replicas: 2}}", "/dispatcher/replicas"),
    ("{autoscaling: {kind: vpa}}", "/autoscaling/kind"),
    ("{tls: {mode: yes please}}", "/tls/mode"),
    ("{image: {digest: latest}}", "/image/digest"),
    ("{memoryRecall: {persistence: {size: much}}}", "/memoryRecall/persistence/size"),
    ("{secrets: {env: [{name: A-B, existingSecret: a, key: b}]}}", "/secrets/env/0/name"),
    ("{secrets: {providerKeys: {sim: {secret: a}}}}", "/secrets/providerKeys/sim"),
    ("{config: {queue: {paid_flor: 0.1}}}", "'paid_flor' not allowed"),
    ("{config: {queue: {paid_floor: 0.6}}}", "/config/queue/paid_floor"),
    ("{config: {turn: {max_duration: 10}}}", "/config/turn/max_duration"),
    ("{config: {models: [{concurrency: 0, name: sim/echo}]}}", "/config/models/0/concurrency"),
    ("{config: {providers: [{name: sim}]}}", "/config/providers/0"),
    ("{secrets: {grantRoot: {existingSecret: ''}}}", "secrets.grantRoot.existingSecret: required"),
    ("{config: {endpoints: {gateway: 'a:1'}}}", "config.endpoints: the chart sets it"),
    ("{config: {data_dir: /data}}", "config.data_dir: the chart sets it"),
    ("{config: {process: {admin: ':1'}}}", "config.process.admin: the chart sets it"),
    ("{config: {tls: {cert_file: /a}}}", "config.tls.cert_file: the chart sets it"),
    ("{config: {identity: {grant_root: abc}}}", "config.identity.grant_root: a ConfigMap is no place for a secret"),
    ("{config: {identity: {issuers: [{issuer: a, tenants: [t], keys: [{algorithm: HS256, secret: abc}]}]}}}",
     "config.identity.issuers[0].keys[0].secret: found a literal"),
    ("{config: {providers: [{name: sim, base_url: 'http://a/v1', proxy: 'http://u:p@b:1'}]}}",
     "config.providers[0].proxy: found a literal"),
    ("{config: {identity: null}}", "config.identity.issuers: found none"),
    ("{config: {agents: []}}", "config.agents: found the ids []"),
    ("{config: {agents: [{id: default, model: sim/ekko}]}}", 'config.agents[0].model: found "sim/ekko"'),
    ("{secrets: {providerKeys: {other: {existingSecret: a, key: b}}}}",
     "secrets.providerKeys.other: no such provider; config.providers has: sim"),
    ("{secrets: {providerKeys: {sim: {existingSecret: a, key: b}}}, "
     "config: {providers: [{name: sim, base_url: 'http://a/v1', api_key_env: K}]}}",
     "config.providers[0]: has a key of its own"),
    ("{tls: {mode: existingSecrets}}", "tls.existingSecrets.gateway: required"),
    ("{autoscaling: {kind: hpa, providerAdapter: {minReplicas: 0}}}",
     "autoscaling.providerAdapter.minReplicas: found 0, allowed at least 1"),
    ("{autoscaling: {kind: hpa, gateway: {minReplicas: 30}}}",
     "autoscaling.gateway.minReplicas: found 30, allowed at most maxReplicas, which is 20"),
    ("{mode: standalone, autoscaling: {kind: keda}}", 'autoscaling.kind: found "keda", allowed none'),
    ("{config: {drain: {timeout: soon}}}", "/config/drain/timeout"),
]


class RefusalsTest(unittest.TestCase):
    def test_a_wrong_value_is_refused_with_its_path(self):
        for values, expected in REFUSED:
            with self.subTest(values):
                self.assertIn(expected, refusal(values))

    def test_what_may_be_absent_may_be_null(self):
        render(values="config: {drain: null, queue: null, identity: {leeway: null}}")


if __name__ == "__main__":
    unittest.main()
