#!/usr/bin/env bash
# Brings the world up, in namespaces of its own that nothing of the host can see into. Sourced by inside.sh.
#
# WORLD is its folder, PKI, LOGS and IMAGES are folders in it; TOOL_PATH holds its programs, NODE_PACKAGES
# Debian's unpacked packages.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in programs cgroups network certificates control_plane node services volumes; do
  # shellcheck source=/dev/null
  . "$here/$part.sh"
done

# /run is empty, /usr has the unpacked packages, what is written to /var is lost, cgroups are the world's.
world_file_systems() {
  mount -t tmpfs tmpfs /run
  mkdir /run/netns /run/var-upper /run/var-work
  mount -t overlay overlay -o lowerdir=/var,upperdir=/run/var-upper,workdir=/run/var-work /var
  mount -t overlay overlay -o "lowerdir=$NODE_PACKAGES/usr:/usr" /usr
  cgroups_mount
}

world_up() {
  export PATH=$TOOL_PATH:$PATH KUBECONFIG=$PKI/admin.kubeconfig
  # kubectl's discovery cache is keyed by address: it would outlive this world in the home folder.
  export KUBECACHEDIR=$WORLD/kubectl HELM_CACHE_HOME=$WORLD/helm/cache \
    HELM_CONFIG_HOME=$WORLD/helm/config HELM_DATA_HOME=$WORLD/helm/data
  mkdir -p "$LOGS"
  world_file_systems
  network_start
  certificates_make
  control_plane_start
  node_start
  services_start
  volumes_start
}
