#!/usr/bin/env bash
# What makes Services work: names by CoreDNS, addresses by kube-proxy. Sourced.

services_start() {
  services_names
  services_addresses
  await 60 'kube-proxy is healthy' curl -sf -m 2 http://127.0.0.1:10256/healthz
  await 60 'names resolve' getent hosts kubernetes.default.svc.cluster.local
}

services_names() {
  cat >"$WORLD/Corefile" <<END
.:53 {
  bind $NODE_ADDRESS
  errors
  ready $NODE_ADDRESS:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $PKI/admin.kubeconfig world
    ttl 1
  }
}
END
  launch coredns coredns -conf "$WORLD/Corefile"
}

services_addresses() {
  launch kube-proxy kube-proxy --kubeconfig="$PKI/admin.kubeconfig" --proxy-mode=nftables \
    --hostname-override=node --cluster-cidr="$CLUSTER_RANGE" --conntrack-max-per-core=0 \
    --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0 \
    --nodeport-addresses=127.0.0.1/32
}
