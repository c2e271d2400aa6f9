#!/usr/bin/env bash
# The images that only tests need, as OCI archives: tests/k8s/images/build.sh FOLDER BINARIES.
#
#   localhost/pause:1        holds the namespaces of a pod
#   localhost/providersim:1  the model provider (tests/providersim) with the libraries it links
#
# BINARIES is the folder of the release build.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
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

mkdir -p "$out"
mkdir "$work/pause" "$work/providersim"
clang-19 -Os -static -s -o "$work/pause/pause" "$here/pause.c"
python3 "$here/oci_archive.py" "$out/pause.tar" localhost/pause:1 "$work/pause" /pause
stage "$work/providersim" "$binaries/providersim"
python3 "$here/oci_archive.py" "$out/providersim.tar" localhost/providersim:1 "$work/providersim" /usr/bin/providersim
