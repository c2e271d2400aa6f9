#!/usr/bin/env bash
# Starts the programs of the world and waits for what they bring about. Sourced.
#
# LOGS is the folder of their logs.

# launch NAME COMMAND...: in the background, logged to $LOGS/NAME.log.
launch() {
  local name=$1
  shift
  "$@" >>"$LOGS/$name.log" 2>&1 </dev/null &
}

# await SECONDS WHAT COMMAND...: until the command succeeds; ends the world's start when it does not.
await() {
  local seconds=$1 what=$2 deadline
  deadline=$((SECONDS + seconds))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)); then
      printf 'the world did not come up: %s not within %d s\n' "$what" "$seconds" >&2
      return 1
    fi
    sleep 0.2
  done
}
