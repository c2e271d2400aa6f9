"""What the default of a value in values.yaml does not say of its shape, as JSON schema, by path.

"*" stands for any component. A value that is here is a whole: it is one row of the README.
"""
import fnmatch


def one_of(*allowed):
    return {"type": "string", "enum": list(allowed)}


def closed(required, **properties):
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


TEXT = {"type": "string", "minLength": 1}
FREE = {"type": "object"}
TEXTS = {"type": "array", "items": TEXT}
STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
OBJECTS = {"type": "array", "items": {"type": "object"}}
VARIABLE = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
DURATION = {"type": "string", "pattern": "^([0-9]+(h|m|s))+$"}
QUANTITY = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(m|[kMGTPE]i?)?$"}
RATIO = {"type": "number", "minimum": 0, "maximum": 1}
COUNT = {"type": "integer", "minimum": 0, "maximum": 10000}
SECRET = closed(["existingSecret", "key"], existingSecret=TEXT, key=TEXT)
COMPONENT = one_of("gateway", "dispatcher", "sessionState", "memoryRecall", "providerAdapter", "standalone")
# RocksDB belongs to one process.
SINGLE = {"type": "integer", "minimum": 0, "maximum": 1}

SHAPES = {
    "mode": one_of("distributed", "standalone"),
    "listenAddress": one_of("0.0.0.0", "[::]"),
    "image.pullPolicy": one_of("Always", "IfNotPresent", "Never"),
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "imagePullSecrets": {"type": "array", "items": closed(["name"], name=TEXT)},
    "files": STRINGS,
    "secrets.providerKeys": {"type": "object", "additionalProperties": SECRET},
    "secrets.env": {"type": "array", "items": closed(
        ["name", "existingSecret", "key"], name=VARIABLE, existingSecret=TEXT, key=TEXT,
        components={"type": "array", "items": COMPONENT})},
    "tls.mode": one_of("none", "certManager", "existingSecrets"),
    "tls.certManager.duration": DURATION,
    "tls.certManager.renewBefore": DURATION,
    "tls.gatewayDnsNames": TEXTS,
    "tls.gatewayCallers": TEXTS,
    "serviceAccount.annotations": STRINGS,
    "podSecurityContext": FREE,
    "securityContext": FREE,
    "dnsConfig": FREE,
    "podLabels": STRINGS,
    "podAnnotations": STRINGS,
    "extraLabels": STRINGS,
    "extraEnv": OBJECTS,
    "extraEnvFrom": OBJECTS,
    "extraVolumes": OBJECTS,
    "extraVolumeMounts": OBJECTS,
    "extraArgs": TEXTS,
    "extraInitContainers": OBJECTS,
    "extraContainers": OBJECTS,
    "extraObjects": {"type": "array", "items": {"type": ["object", "string"]}},
    "topologySpread.keys": TEXTS,
    "gateway.replicas": COUNT,
    "providerAdapter.replicas": COUNT,
    "dispatcher.replicas": SINGLE,
    "sessionState.replicas": SINGLE,
    "memoryRecall.replicas": SINGLE,
    "standalone.replicas": SINGLE,
    "*.resources": FREE,
    "*.podLabels": STRINGS,
    "*.podAnnotations": STRINGS,
    "*.nodeSelector": STRINGS,
    "*.tolerations": OBJECTS,
    "*.affinity": FREE,
    "*.strategy": FREE,
    "*.lifecycle": FREE,
    "*.extraArgs": TEXTS,
    "*.extraEnv": OBJECTS,
    "*.extraEnvFrom": OBJECTS,
    "*.extraVolumes": OBJECTS,
    "*.extraVolumeMounts": OBJECTS,
    "*.persistence.size": QUANTITY,
    "*.persistence.accessModes": {"type": "array", "minItems": 1, "items": one_of(
        "ReadWriteOnce", "ReadWriteOncePod")},
    "*.persistence.annotations": STRINGS,
    "*.persistence.whenDeleted": one_of("Retain", "Delete"),
    "gateway.service.type": one_of("ClusterIP", "NodePort", "LoadBalancer"),
    "gateway.service.port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "gateway.service.annotations": STRINGS,
    "gateway.service.loadBalancerSourceRanges": TEXTS,
    "gateway.service.externalTrafficPolicy": one_of("", "Cluster", "Local"),
    "gateway.route.parentRefs": OBJECTS,
    "gateway.route.hostnames": TEXTS,
    "autoscaling.kind": one_of("none", "keda", "hpa"),
    "autoscaling.providerAdapter.metricType": one_of("External", "Pods"),
    "autoscaling.providerAdapter.metricSelector": STRINGS,
    "autoscaling.providerAdapter.targetConcurrency": {"type": "integer", "minimum": 1},
    "autoscaling.providerAdapter.maxReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.gateway.minReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.gateway.maxReplicas": {"type": "integer", "minimum": 1},
    "autoscaling.gateway.targetOpenStreams": {"type": "integer", "minimum": 1},
    "autoscaling.gateway.targetCpu": {"type": "integer", "minimum": 0, "maximum": 100},
    "autoscaling.keda.pollingInterval": {"type": "integer", "minimum": 1},
    "autoscaling.keda.fallback": closed(
        ["failureThreshold", "replicas"], failureThreshold={"type": "integer", "minimum": 1}, replicas=COUNT),
    "networkPolicy.gatewayFrom": OBJECTS,
    "networkPolicy.metricsFrom": OBJECTS,
    "networkPolicy.kedaFrom": OBJECTS,
    "networkPolicy.providersTo": OBJECTS,
    "networkPolicy.issuersTo": OBJECTS,
    "networkPolicy.extraIngress": OBJECTS,
    "networkPolicy.extraEgress": OBJECTS,
    "metrics.serviceMonitor.interval": DURATION,
    "metrics.alerts.turnP95Seconds": {"type": "number", "exclusiveMinimum": 0},
    "metrics.alerts.recallP95Seconds": {"type": "number", "exclusiveMinimum": 0},
    "metrics.alerts.errorRatio": RATIO,
    "metrics.alerts.laneSaturation": RATIO,
    "metrics.alerts.diskFree": RATIO,
    "metrics.alerts.labels": STRINGS,
    "metrics.alerts.alertLabels": STRINGS,
    "metrics.dashboards.labels": STRINGS,
    "metrics.dashboards.annotations": STRINGS,
    "metrics.serviceMonitor.labels": STRINGS,
    "metrics.serviceMonitor.relabelings": OBJECTS,
    "metrics.serviceMonitor.metricRelabelings": OBJECTS,
    "helmTest.deadline": {"type": "integer", "minimum": 10},
}


def of(path):
    """The shape of a value, or None where its default says all."""
    if path in SHAPES:
        return SHAPES[path]
    for pattern, shape in SHAPES.items():
        if pattern.startswith("*.") and path.count(".") == pattern.count(".") and fnmatch.fnmatch(path, pattern):
            return shape
    return None


def check(values):
    """ValueError when a shape is of no value."""
    def there(node, parts):
        if not parts:
            return True
        names = node if parts[0] == "*" else [parts[0]]
        return any(isinstance(node.get(name), dict) and there(node[name], parts[1:])
                   or len(parts) == 1 and name in node for name in names)
    for path in SHAPES:
        if not there(values, path.split(".")):
            raise ValueError(f"shapes.py: {path}: values.yaml has no such value")
