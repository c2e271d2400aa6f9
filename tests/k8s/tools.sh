#!/usr/bin/env bash
# The programs that the tests on Kubernetes need, in the versions of `versions`; makes those that are missing.
#
#   tests/k8s/tools.sh NAME...        prints the path of each, one a line
#   tests/k8s/tools.sh --list         the names
#   tests/k8s/tools.sh --missing NAME...  prints those that are not made yet, and makes none
#   tests/k8s/tools.sh --drop-caches  deletes what compiling left (several GB); the programs stay
#
# They live in $XDG_CACHE_HOME/penstock-tools/NAME-VERSION/ (default ~/.cache). Compiled at nice 19, one
# package at a time, by one run of this script at a time.
# Exit status: 0 printed, 1 one could not be made, 2 wrong arguments, 77 this machine has no Go.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${XDG_CACHE_HOME:-$HOME/.cache}/penstock-tools
go_needed=1.26

fail() {
  printf 'tests/k8s/tools.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

say() { printf 'tests/k8s/tools.sh: %s\n' "$1" >&2; }

rows() { grep -vE '^(#|$)' "$here/versions"; }

# Debian's newer Go lies beside the default one.
find_go() {
  local candidate version
  for candidate in go "/usr/lib/go-$go_needed/bin/go"; do
    command -v "$candidate" >/dev/null || continue
    version=$("$candidate" env GOVERSION)
    if [[ $(printf '%s\n' "go$go_needed" "$version" | sort -V | head -n 1) == "go$go_needed" ]]; then
      GO=$candidate
      return
    fi
  done
  fail "Go $go_needed or newer is needed to build $1 and was not found. Debian 12 has it in backports: \
apt-get install -t bookworm-backports golang-$go_needed-go" 77
}

# Everything that compiling leaves stays below the tools, so that it can be dropped as a whole.
in_build_environment() {
  env CGO_ENABLED=0 GOTOOLCHAIN=local GOCACHE="$tools/.compiled" GOMODCACHE="$tools/.modules" \
    GOFLAGS='-mod=mod -modcacherw -buildvcs=false' nice -n 19 "$@"
}

go_() { in_build_environment "$GO" "$@"; }

module_file() { # MODULE@VERSION
  go_ mod download -json "$1" | jq -re .GoMod
}

compile() { # OUT PACKAGE [LDFLAGS]
  go_ build -p 1 -trimpath -ldflags "-s -w ${3:-}" -o "$1" "$2"
}

# `go install` refuses a module that replaces others; an empty module that requires it, and takes over
# its replacements, builds every one.
make_go() { # OUT VERSION PACKAGE MODULE
  local out=$1 version=v$2 package=$3 module=$4 file
  go_ mod init penstock.invalid/tool 2>/dev/null
  file=$(module_file "$module@$version")
  go_ mod edit -json "$file" |
    jq -r '.Replace[]? | select(.New.Version) |
           "-replace=\(.Old.Path)\(if .Old.Version then "@" + .Old.Version else "" end)=\(.New.Path)@\(.New.Version)"' |
    while read -r replacement; do go_ mod edit "$replacement"; done
  go_ mod edit -require="$module@$version"
  compile "$out" "$package"
}

# Kubernetes replaces its staging modules by folders; they are published as v0.MINOR.PATCH.
make_kubernetes() { # OUT VERSION
  local out=$1 version=$2 name file module minor
  name=$(basename "$out") minor=${version#*.}
  go_ mod init penstock.invalid/tool 2>/dev/null
  file=$(module_file "k8s.io/kubernetes@v$version")
  go_ mod edit -json "$file" |
    jq -r '(.Replace[]?.Old.Path), (.Require[] | select(.Version == "v0.0.0").Path)' | sort -u |
    while read -r module; do go_ mod edit -replace="$module=$module@v0.$minor"; done
  go_ mod edit -require="k8s.io/kubernetes@v$version"
  local variable=k8s.io/component-base/version # Helm reads the version the API server tells.
  compile "$out" "k8s.io/kubernetes/cmd/$name" \
    "-X $variable.gitVersion=v$version -X $variable.gitMajor=1 -X $variable.gitMinor=${minor%%.*} -X $variable.gitTreeState=clean"
}

make_module() { # OUT VERSION MODULE FOLDER
  local folder
  folder=$(go_ mod download -json "$3@v$2" | jq -re .Dir)
  cp -r "$folder/$4" "$1"
  chmod -R u+w "$1"
}

make_debian() { # OUT RELEASE PACKAGE...
  local out=$1 package
  shift 2
  command -v apt-get >/dev/null || fail "no apt-get: $* cannot be had on this system"
  mkdir -p archives/partial
  apt-get update -qq >&2
  # Nothing is installed, so no service is started.
  apt-get install --download-only --no-install-recommends --reinstall -y -qq \
    -o Dir::Cache::archives="$PWD/archives" "$@" >&2
  mkdir "$out"
  for package in archives/*.deb; do dpkg-deb -x "$package" "$out"; done
}

# Made in a folder of its own and renamed: what is there is whole.
make_tool() { # NAME VERSION SOURCE DETAILS...
  local name=$1 version=$2 source=$3 work started=$SECONDS
  shift 3
  say "making $name $version"
  [[ $source == debian ]] || find_go "$name"
  work=$(mktemp -d "$tools/.making.XXXXXX")
  mkdir "$work/build" "$work/done"
  if ! (cd "$work/build" && "make_$source" "$work/done/$name" "$version" "$@" </dev/null) >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    fail "$name $version could not be made; all of the output is in $work/log"
  fi
  mv "$work/done" "$tools/$name-$version"
  rm -rf "$work"
  say "made $name $version in $((SECONDS - started)) s"
}

row_of() { # NAME
  rows | awk -v name="$1" '$1 == name' | grep . || fail "no tool '$1'; there are: $(rows | awk '{print $1}' | xargs)" 2
}

provide() { # NAME
  local row name version
  row=$(row_of "$1")
  read -r -a row <<<"$row"
  name=${row[0]} version=${row[1]}
  if [[ ! -e $tools/$name-$version/$name ]]; then
    mkdir -p "$tools"
    exec 9>"$tools/.lock-${row[2]/kubernetes/go}" # One is compiled at a time.
    flock 9
    [[ -e $tools/$name-$version/$name ]] || make_tool "${row[@]}"
    exec 9>&-
  fi
  printf '%s\n' "$tools/$name-$version/$name"
}

missing() { # NAME
  local row name version
  row=$(row_of "$1")
  read -r name version _ <<<"$row"
  [[ -e $tools/$name-$version/$name ]] || printf '%s\n' "$name"
}

case ${1:-} in
  --list) rows | awk '{print $1}' ;;
  --missing) for name in "${@:2}"; do missing "$name"; done ;;
  --drop-caches) rm -rf "$tools/.compiled" "$tools/.modules" ;;
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" ;;
  '' | -*) fail "expected names of tools, --list, --missing or --drop-caches" 2 ;;
  *) for name in "$@"; do provide "$name"; done ;;
esac
