#!/usr/bin/env bash
# Runs Penstock on a Kubernetes of its own, on this machine, and leaves nothing behind.
#
#   tests/k8s/run.sh [CASE...]   all cases, or some by name ("10-install") or by their number ("10")
#   tests/k8s/run.sh --list      their names
#   tests/k8s/run.sh --stay      brings the world up, says how to enter it, and stays until Ctrl-C
#   tests/k8s/run.sh --keep ...  keeps the folder with all logs, also when everything passed
#
# A real control plane, containerd, kubelet, CoreDNS and kube-proxy, all in private namespaces: no port, address or file
# of the host is used, and two runs may go side by side. Needs root and what tools.sh makes (the first time).
# PENSTOCK_BIN_DIR (build/release/bin) holds the programs. PENSTOCK_FIGURES names a file for the figures.
# Exit status: 0 no case failed, 1 one did or something was left behind, 2 wrong arguments.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tests/k8s/world/cgroups.sh
. "$here/world/cgroups.sh"

programs=(helm kubectl kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet etcd coredns)
binaries=${PENSTOCK_BIN_DIR:-$root/build/release/bin}

fail() {
  printf 'tests/k8s/run.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

case_files() { find "$here/cases" -maxdepth 1 -name '[0-9]*.py' | sort; }

select_cases() { # CASE...: sets `files`
  local wanted known found
  mapfile -t known < <(case_files)
  if ((!$#)); then
    files=("${known[@]}")
    return
  fi
  files=()
  for wanted in "$@"; do
    found=$(printf '%s\n' "${known[@]}" | grep -E "/$wanted(-[^/]*)?\.py$") ||
      fail "no case '$wanted'; there are: $(case_files | xargs -n 1 basename -s .py | xargs)" 2
    mapfile -t -O "${#files[@]}" files <<<"$found"
  done
}

# A machine on which this cannot work is no failure of Penstock's.
skip() {
  printf 'tests/k8s: skipped, %s\n\n0 passed, 0 failed, %d skipped\n' "$1" "${#files[@]}"
  exit 0
}

check_machine() {
  ((EUID == 0)) || skip 'it needs root for namespaces and cgroups'
  unshare --net --mount --pid --ipc --uts --cgroup --fork true 2>/dev/null ||
    skip 'this machine gives no new namespaces'
}

# Sets `folders`, those of the programs, and `node_packages`.
make_tools() {
  local paths status=0 path extra
  paths=$("$here/tools.sh" "${programs[@]}") || status=$?
  ((status != 77)) || skip 'there is no Go to build the tools with'
  ((status == 0)) || fail 'a tool could not be made'
  folders=
  while read -r path; do folders+=$(dirname "$path"):; done <<<"$paths"
  folders=${folders%:}
  node_packages=$("$here/tools.sh" node-packages)
  # What single cases need stands in a line of theirs.
  mapfile -t extra < <(sed -nE 's/^# Tools: //p' "${files[@]}" </dev/null | tr ' ' '\n' | sort -u)
  ((!${#extra[@]})) || "$here/tools.sh" "${extra[@]}" >/dev/null || fail 'a tool could not be made'
}

# The clients of tests/clients: grpcio and stubs for Python. Sets `python`.
make_python() {
  "$root/tests/clients/run" --only python --prepare || fail 'the packages for Python could not be had'
  python=$root/build/clients/python/bin/python
}

# What a world could leave: its processes, mounts, network namespaces, and files.
traces() {
  cgroups_left "$name"
  grep -F "$WORLD" /proc/self/mountinfo || true
  grep -lzx "PENSTOCK_WORLD=$name" /proc/[0-9]*/environ 2>/dev/null | grep -vx "/proc/$$/environ" || true
}

# Ends the world's processes with its process 1, and removes what is left.
leave() {
  local status=$? left attempt
  trap - EXIT INT TERM HUP
  [[ -z ${world_pid:-} ]] || kill -KILL "$world_pid" 2>/dev/null || true
  wait 2>/dev/null || true
  # The kernel takes a moment to end what process 1 leaves.
  for ((attempt = 0; attempt < 50; ++attempt)); do
    cgroups_leave "$name"
    left=$(traces)
    [[ -n $left ]] || break
    sleep 0.2
  done
  if [[ -n $left ]]; then
    printf 'the world left behind:\n%s\n' "$left" >&2
    status=1
  fi
  if ((status == 0)) && ! $keep; then
    rm -rf "$WORLD"
  else
    rm -rf "$WORLD/containerd" "$WORLD/etcd"
    printf 'logs are in %s\n' "$WORLD/logs"
  fi
  exit "$status"
}

# Sets `images`, their folder.
make_images() {
  local log=$WORLD/logs/build-images.log
  images=$("$here/images/build.sh" "$binaries" 2>"$log") || {
    tail -n 30 "$log" >&2
    fail 'the images could not be made'
  }
}

# What inside.sh and the cases find; not in this script's own environment, by which traces() knows the world's.
export_world() {
  export WORLD PENSTOCK_WORLD=$name PKI=$WORLD/pki LOGS=$WORLD/logs IMAGES=$images WORLD_STAYS=$stay
  export TOOL_PATH=$folders NODE_PACKAGES=$node_packages TOOLS=$here/tools.sh
  export ROOT=$root PENSTOCK_BIN_DIR=$binaries
  export PYTHON=$python PYTHONPATH=$root/build/clients/python-stubs PYTHONDONTWRITEBYTECODE=1
}

# The end of this script ends unshare, that the world's process 1, and that all others.
enter() { # COMMAND...
  (
    export_world
    cgroups_enter "$name" || fail 'this machine lets no cgroup be made'
    exec setpriv --pdeathsig KILL \
      unshare --net --mount --pid --ipc --uts --cgroup --fork --kill-child --mount-proc "$@"
  ) &
  world_pid=$!
}

# Process 1 writes that file when the world is up.
wait_for_world() {
  until [[ -e $WORLD/start-seconds ]]; do
    kill -0 "$world_pid" 2>/dev/null || fail 'the world did not come up'
    sleep 0.5
  done
}

write_figures() {
  [[ -n ${PENSTOCK_FIGURES:-} ]] || return 0
  python3 "$here/figures.py" "$WORLD" >"$PENSTOCK_FIGURES"
}

tell() {
  local passed failed skipped
  passed=$(awk '$2 == 0' "$WORLD/results" | wc -l)
  skipped=$(awk '$2 == 77' "$WORLD/results" | wc -l)
  failed=$((${#files[@]} - passed - skipped))
  printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  ((failed == 0))
}

keep=false
stay=false
while [[ ${1:-} == -* ]]; do
  case $1 in
    --list)
      case_files | xargs -r -n 1 basename -s .py
      exit
      ;;
    --keep) keep=true ;;
    --stay) stay=true ;;
    -h | --help)
      sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      exit
      ;;
    *) fail "unknown argument '$1'; see --help" 2 ;;
  esac
  shift
done

select_cases "$@"
check_machine
make_tools
make_python

name=penstock-k8s-$$
WORLD=$(mktemp -d "${TMPDIR:-/tmp}/$name.XXXXXX")
chmod 755 "$WORLD"
mkdir "$WORLD/logs"
: >"$WORLD/results"
trap leave EXIT
trap 'exit 130' INT TERM HUP
make_images

if $stay; then files=(); fi
enter bash "$here/world/inside.sh" "${files[@]}"
if $stay; then
  wait_for_world
  printf 'enter it with: nsenter --target %s --all bash --rcfile %s\n' "$(pgrep -P "$world_pid")" "$WORLD/environment"
fi
wait "$world_pid" || fail 'the world ended before all cases were run'
world_pid=
write_figures
tell
