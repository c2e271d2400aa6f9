#!/usr/bin/env bash
# The node's network: 10.244.0.1 is the node, 10.244.1.0/24 its pods, 10.96.0.0/24 the Services. Sourced.
# shellcheck disable=SC2034 # the other parts use them
NODE_ADDRESS=10.244.0.1
SERVICE_RANGE=10.96.0.0/24
API_SERVICE_ADDRESS=10.96.0.1
POD_RANGE=10.244.1.0/24
CLUSTER_RANGE=10.244.0.0/16

network_start() {
  ip link set lo up
  ip link add node0 type veth peer name node0p
  ip link set node0p up
  ip addr add $NODE_ADDRESS/32 dev node0
  ip link set node0 up
  # A route is all that an address of a Service needs: its rules take it before it gets there.
  ip route add $SERVICE_RANGE dev node0
  echo 1 >/proc/sys/net/ipv4/ip_forward
  # Pods get the file of the kubelet's setting; the cases, on the node, find Services by short names.
  echo "nameserver $NODE_ADDRESS" >/run/pod-resolv.conf
  printf 'nameserver %s\nsearch svc.cluster.local cluster.local\noptions ndots:5\n' $NODE_ADDRESS >/run/node-resolv.conf
  mount --bind /run/node-resolv.conf /etc/resolv.conf
}
