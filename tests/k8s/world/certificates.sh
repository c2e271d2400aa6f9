#!/usr/bin/env bash
# The authorities, certificates and kubeconfig files of the control plane and the node. Sourced.
#
# In $PKI: NAME.crt, NAME.key and, for who calls the API server, NAME.kubeconfig.

certificates_authority() { # NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj "/CN=$1" \
    -addext keyUsage=critical,keyCertSign,digitalSignature -keyout "$PKI/$1.key" -out "$PKI/$1.crt" 2>/dev/null
}

certificates_issue() { # AUTHORITY NAME SUBJECT [ALTERNATIVE-NAMES]
  local authority=$1 name=$2 subject=$3 alternatives=${4:-}
  local extensions='extendedKeyUsage=serverAuth,clientAuth'
  [[ -z $alternatives ]] || extensions+=$'\n'"subjectAltName=$alternatives"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "$subject" \
    -keyout "$PKI/$name.key" -out "$PKI/$name.csr" 2>/dev/null
  openssl x509 -req -in "$PKI/$name.csr" -CA "$PKI/$authority.crt" -CAkey "$PKI/$authority.key" -days 2 \
    -extfile <(printf '%s\n' "$extensions") -out "$PKI/$name.crt" 2>/dev/null
  rm "$PKI/$name.csr"
}

certificates_kubeconfig() { # NAME
  cat >"$PKI/$1.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: world, cluster: {server: "https://$NODE_ADDRESS:6443", certificate-authority: $PKI/ca.crt}}]
users: [{name: $1, user: {client-certificate: $PKI/$1.crt, client-key: $PKI/$1.key}}]
contexts: [{name: world, context: {cluster: world, user: $1}}]
current-context: world
END
}

certificates_make() {
  mkdir -p "$PKI"
  certificates_authority ca
  certificates_authority front-proxy-ca
  certificates_issue ca apiserver /CN=kube-apiserver \
    "IP:127.0.0.1,IP:$NODE_ADDRESS,IP:$API_SERVICE_ADDRESS,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  certificates_issue ca kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
  certificates_issue front-proxy-ca front-proxy-client /CN=front-proxy-client
  certificates_issue ca admin /O=system:masters/CN=admin
  certificates_issue ca controller-manager /CN=system:kube-controller-manager
  certificates_issue ca scheduler /CN=system:kube-scheduler
  certificates_issue ca node /O=system:nodes/CN=system:node:node
  certificates_issue ca metrics "/CN=metrics" DNS:localhost
  openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/service-accounts.key" 2>/dev/null
  openssl ec -in "$PKI/service-accounts.key" -pubout -out "$PKI/service-accounts.pub" 2>/dev/null
  local name
  for name in admin controller-manager scheduler node; do certificates_kubeconfig $name; done
}
