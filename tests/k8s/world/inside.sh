#!/usr/bin/env bash
# Process 1 of the world: brings it up, runs the cases, tells how they ended. Started by tests/k8s/run.sh.
#
#   inside.sh CASE-FILE...
#
# Writes a line "NAME STATUS SECONDS" for each case to $WORLD/results (status 0 passed, 77 skipped), and
# the seconds until the node was ready and the cases could start to $WORLD/start-seconds. Ends with 0 when all cases
# were run, whatever became of them.
set -euo pipefail
# shellcheck source=tests/k8s/world/up.sh
. "$(dirname "${BASH_SOURCE[0]}")/up.sh"
# shellcheck source=tests/k8s/world/dump.sh
. "$(dirname "${BASH_SOURCE[0]}")/dump.sh"

# Process 1 ignores every signal that it does not handle.
trap 'exit 143' TERM INT HUP

CASE_LIMIT=${CASE_LIMIT:-900}

seconds_since() { awk -v now="$EPOCHREALTIME" -v then="$1" 'BEGIN {printf "%.1f", now - then}'; }

run_case() { # FILE
  local name status=0 from=$EPOCHREALTIME seconds
  name=$(basename "$1" .py)
  mkdir -p "$LOGS/cases" "$WORLD/figures"
  CASE=$name CASE_FIGURES=$WORLD/figures/$name.json \
    timeout --kill-after=20 "$CASE_LIMIT" "$PYTHON" "$1" </dev/null 2>&1 | tee "$LOGS/cases/$name.log" || status=${PIPESTATUS[0]}
  seconds=$(seconds_since "$from")
  printf '%s %s %s\n' "$name" "$status" "$seconds" >>"$WORLD/results"
  case $status in
    0) printf 'ok      %-24s %7s s\n' "$name" "$seconds" ;;
    77) printf 'skipped %-24s\n' "$name" ;;
    *)
      printf 'FAILED  %-24s %7s s, status %d\n' "$name" "$seconds" "$status"
      dump_case "$name"
      ;;
  esac
  leave_namespaces "$name"
}

# The pods of a case would take the machine from the next one.
leave_namespaces() { # CASE
  timeout 90 kubectl delete namespace --selector "penstock-test=$1" --ignore-not-found >/dev/null 2>&1 ||
    printf 'the namespaces of %s do not end\n' "$1"
}

# A world that waits for Ctrl-C, for work by hand.
stay() {
  declare -x >"$WORLD/environment"
  sleep infinity &
  wait $!
}

from=$EPOCHREALTIME
is_up=false
trap '$is_up || dump_world' EXIT
world_up
is_up=true
seconds_since "$from" >"$WORLD/start-seconds"
printf 'the world is up after %s s: %s\n' "$(<"$WORLD/start-seconds")" "$(kubectl version | xargs)"
for file in "$@"; do run_case "$file"; done
if ${WORLD_STAYS:-false}; then stay; fi
