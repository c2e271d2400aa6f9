#!/usr/bin/env bash
# What one wants to see of a case that failed. Sourced.

# How many lines of a log are shown; all of it is in the folder that run.sh names.
DUMP_LINES=${DUMP_LINES:-25}

dump_title() { printf -- '--- %s\n' "$1"; }

dump_log() { # FILE
  dump_title "the end of $1"
  tail -n "$DUMP_LINES" "$1" 2>/dev/null || true
}

dump_case() { # NAME
  local namespace
  for namespace in $(kubectl get namespace --selector "penstock-test=$1" --output name | cut -d / -f 2); do
    dump_namespace "$namespace" || true
  done
  dump_log "$LOGS/kubelet.log"
}

dump_namespace() { # NAMESPACE
  local pod
  dump_title "namespace $1"
  kubectl --namespace "$1" get all,pvc,pdb --output wide || true
  dump_title "events of $1"
  kubectl --namespace "$1" get events --sort-by .lastTimestamp | tail -n "$DUMP_LINES"
  for pod in $(kubectl --namespace "$1" get pods --output name); do
    dump_title "log of $1/$pod"
    kubectl --namespace "$1" logs "$pod" --all-containers --prefix --tail "$DUMP_LINES" || true
    kubectl --namespace "$1" logs "$pod" --all-containers --prefix --previous --tail "$DUMP_LINES" 2>/dev/null || true
  done
}

dump_world() {
  local log
  for log in "$LOGS"/*.log; do dump_log "$log"; done
}
