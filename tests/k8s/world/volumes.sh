#!/usr/bin/env bash
# Volumes for claims: folders of the node, the default storage class. Sourced.
#
# Nothing provisions them on demand; they are made before, more than all cases claim.
VOLUMES=60

volumes_start() {
  local number
  mkdir -p "$WORLD/volumes"
  {
    cat <<'END'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: folders
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
END
    for ((number = 1; number <= VOLUMES; ++number)); do
      mkdir "$WORLD/volumes/$number"
      cat <<END
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: folder-$number}
spec:
  storageClassName: folders
  accessModes: [ReadWriteOnce]
  capacity: {storage: 100Gi}
  persistentVolumeReclaimPolicy: Retain
  local: {path: $WORLD/volumes/$number}
  nodeAffinity:
    required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node]}]}]}
END
    done
  } | kubectl apply --server-side -f - >/dev/null
}
