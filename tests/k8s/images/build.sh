#!/usr/bin/env bash
# Every image of the world, as archives that containerd imports: tests/k8s/images/build.sh FOLDER BINARIES.
#
#   localhost/pause:1           holds the namespaces of a pod
#   localhost/providersim:1     the model provider (tests/providersim) with the libraries it links
#   localhost/penstock:ci       Penstock's image, by deploy/image/build, and its report
#   localhost/penstock:changed  another build of it: every program's bytes differ
#
# BINARIES is the folder of the release build.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
out=${1:?the folder of the archives}
binaries=${2:?the folder of the release build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A program and, as the loader finds them here, all it links.
stage() { # ROOT PROGRAM
  install -D "$2" "$1/usr/bin/$(basename "$2")"
  local library
  ldd "$2" | sed -nE 's/^\s*(.* => )?(\/[^ ]+) \(0x.*/\2/p' | sort -u | while read -r library; do
    install -D "$(readlink -f "$library")" "$1$library"
  done
}

pause() {
  mkdir "$work/pause"
  clang-19 -Os -static -s -o "$work/pause/pause" "$here/pause.c"
  python3 "$here/oci_archive.py" "$out/pause.tar" localhost/pause:1 "$work/pause" /pause
}

providersim() {
  stage "$work/providersim" "$binaries/providersim"
  python3 "$here/oci_archive.py" "$out/providersim.tar" localhost/providersim:1 "$work/providersim" /usr/bin/providersim
}

penstock() { # TAG BINARIES
  "$root/deploy/image/build" --bin "$2" --tag "localhost/penstock:$1" --out "$work/$1" --archive
  mv "$work/$1/penstock.tar" "$out/penstock-$1.tar"
  mv "$work/$1/report.json" "$out/penstock-$1.json"
}

# The same programs with one more section, as any change of their source would make other files of them.
changed_programs() {
  local program
  date -u >"$work/change"
  mkdir "$work/programs"
  while read -r program; do
    objcopy --add-section ".penstock.change=$work/change" "$binaries/$program" "$work/programs/$program"
  done <"$root/deploy/image/programs"
}

mkdir -p "$out"
pause
providersim
penstock ci "$binaries"
changed_programs
penstock changed "$work/programs"
