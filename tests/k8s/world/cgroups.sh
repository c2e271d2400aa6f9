#!/usr/bin/env bash
# A cgroup for the world in each hierarchy of the host, version 1, 2 or both. Sourced.
#
# Outside: cgroups_enter, then unshare --cgroup; cgroups_leave when all processes have ended.
# Inside: cgroups_mount, so that the world's programs see their own cgroup as the root.

# The mount points of the host's hierarchies.
cgroups_hierarchies() { awk '$3 == "cgroup" || $3 == "cgroup2" {print $2}' /proc/mounts; }

# Moves this shell into a new cgroup NAME at the top of each hierarchy.
cgroups_enter() { # NAME
  local hierarchy group
  while read -r hierarchy; do
    group=$hierarchy/$1
    mkdir "$group" || return
    if [[ -e $group/cpuset.cpus && -e $group/cgroup.clone_children ]]; then
      cat "$hierarchy/cpuset.cpus" >"$group/cpuset.cpus"
      cat "$hierarchy/cpuset.mems" >"$group/cpuset.mems"
    fi
    echo "$BASHPID" >"$group/cgroup.procs" || return
  done < <(cgroups_hierarchies)
}

# Removes them, deepest first; what still has a process stays, and is told by cgroups_left.
cgroups_leave() { # NAME
  local hierarchy
  while read -r hierarchy; do
    [[ ! -d $hierarchy/$1 ]] || find "$hierarchy/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done < <(cgroups_hierarchies)
}

cgroups_left() { # NAME
  local hierarchy
  while read -r hierarchy; do
    [[ ! -d $hierarchy/$1 ]] || printf '%s\n' "$hierarchy/$1"
  done < <(cgroups_hierarchies)
}

cgroups_mount() {
  local id controllers
  mount -t tmpfs tmpfs /sys/fs/cgroup
  if [[ $(wc -l </proc/self/cgroup) == 1 ]]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    cgroups_delegate
    return
  fi
  while IFS=: read -r id controllers _; do
    if [[ $id == 0 ]]; then
      mkdir /sys/fs/cgroup/unified
      mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
    elif [[ $controllers == name=* ]]; then
      mkdir "/sys/fs/cgroup/${controllers#name=}"
      mount -t cgroup -o "none,$controllers" cgroup "/sys/fs/cgroup/${controllers#name=}"
    else
      mkdir "/sys/fs/cgroup/$controllers"
      mount -t cgroup -o "$controllers" cgroup "/sys/fs/cgroup/$controllers"
    fi
  done </proc/self/cgroup
}

# Version 2 gives controllers only to the children of a cgroup that holds no process itself.
cgroups_delegate() {
  local process
  mkdir /sys/fs/cgroup/world
  while read -r process; do
    echo "$process" >/sys/fs/cgroup/world/cgroup.procs 2>/dev/null || true
  done </sys/fs/cgroup/cgroup.procs
  sed 's/[^ ]*/+&/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
}
