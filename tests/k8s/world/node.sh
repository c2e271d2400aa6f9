#!/usr/bin/env bash
# The node: containerd with runc and pods on routed links, and the kubelet. Sourced.

node_start() {
  node_containerd
  await 30 'containerd answers' ctr version
  node_import "$IMAGES"/*.tar
  node_kubelet
  await 90 'the node is Ready' kubectl wait --for=condition=Ready node/node --timeout=1s
}

# node_import ARCHIVE...: what the pods may run; nothing is pulled.
node_import() {
  local archive
  for archive in "$@"; do ctr --namespace k8s.io images import "$archive" >>"$LOGS/images.log" 2>&1; done
}

node_containerd() {
  mkdir -p "$WORLD/cni"
  # Links of point to point, not a bridge: so that the rules of the Services see what goes from pod to pod.
  cat >"$WORLD/cni/10-pods.conflist" <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipMasq": false, "ipam": {
  "type": "host-local", "dataDir": "$WORLD/addresses", "ranges": [[{"subnet": "$POD_RANGE"}]],
  "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
  # restrict_oom_score_adj: root of a container host often may not lower its score.
  cat >"$WORLD/containerd.toml" <<END
version = 2
root = "$WORLD/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$WORLD/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
END
  launch containerd containerd --config "$WORLD/containerd.toml"
}

node_kubelet() {
  cat >"$WORLD/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
failSwapOn: false
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupsPerQOS: true
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: [$NODE_ADDRESS]
clusterDomain: cluster.local
resolvConf: /run/pod-resolv.conf
podLogsDir: $LOGS/pods
evictionHard: {memory.available: "0%", nodefs.available: "0%", imagefs.available: "0%"}
address: $NODE_ADDRESS
# A Secret that changes is in the pods' files within seconds instead of a minute.
syncFrequency: 5s
END
  launch kubelet kubelet --kubeconfig="$PKI/node.kubeconfig" --config="$WORLD/kubelet.yaml" \
    --root-dir="$WORLD/kubelet" --cert-dir="$WORLD/kubelet-certificates" \
    --hostname-override=node --node-ip="$NODE_ADDRESS"
}
