#!/usr/bin/env bash
# etcd, API server, controller manager and scheduler, on the node's own address. Sourced.

control_plane_start() {
  control_plane_etcd
  await 60 'etcd answers' control_plane_etcd_ready
  control_plane_api_server
  await 120 'the API server is ready' kubectl get --raw /readyz
  control_plane_controllers
  control_plane_scheduler
}

control_plane_etcd_ready() { [[ $(curl -s -m 2 http://127.0.0.1:2379/health) == *true* ]]; }

control_plane_etcd() {
  launch etcd etcd --data-dir "$WORLD/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster default=http://127.0.0.1:2380
}

control_plane_api_server() {
  launch kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
    --bind-address=0.0.0.0 --advertise-address="$NODE_ADDRESS" --secure-port=6443 \
    --service-cluster-ip-range="$SERVICE_RANGE" \
    --client-ca-file="$PKI/ca.crt" --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
    --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$PKI/service-accounts.pub" \
    --service-account-signing-key-file="$PKI/service-accounts.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --kubelet-client-certificate="$PKI/kubelet-client.crt" --kubelet-client-key="$PKI/kubelet-client.key" \
    --kubelet-preferred-address-types=InternalIP \
    --proxy-client-cert-file="$PKI/front-proxy-client.crt" --proxy-client-key-file="$PKI/front-proxy-client.key" \
    --requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra-
}

# The autoscaler looks every 2 s instead of every 15, so that a case sees it decide within seconds.
control_plane_controllers() {
  local own=$PKI/controller-manager.kubeconfig
  launch kube-controller-manager kube-controller-manager --kubeconfig="$own" \
    --authentication-kubeconfig="$own" --authorization-kubeconfig="$own" --bind-address=127.0.0.1 \
    --root-ca-file="$PKI/ca.crt" --service-account-private-key-file="$PKI/service-accounts.key" \
    --use-service-account-credentials --leader-elect=false \
    --horizontal-pod-autoscaler-sync-period=2s --horizontal-pod-autoscaler-downscale-stabilization=5s \
    --horizontal-pod-autoscaler-initial-readiness-delay=1s
}

control_plane_scheduler() {
  local own=$PKI/scheduler.kubeconfig
  launch kube-scheduler kube-scheduler --kubeconfig="$own" --authentication-kubeconfig="$own" \
    --authorization-kubeconfig="$own" --bind-address=127.0.0.1 --leader-elect=false
}
