#!/usr/bin/env bash
# Every image of the world, as archives that containerd imports: tests/k8s/images/build.sh BINARIES.
#
# Prints their folder, build/k8s/images/HASH; what is there is not made again while binaries, image and these files
# are the same.
#
#   localhost/pause:1           holds the namespaces of a pod
#   localhost/providersim:1     the model provider (tests/providersim) with the libraries it links
#   localhost/penstock:ci       Penstock's image, by deploy/image/build, and its report
#   localhost/penstock:changed  another build of it: its program's bytes differ
#
# BINARIES is the folder of the release build.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
binaries=${1:?the folder of the release build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/archives

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

penstock() {
  "$root/deploy/image/build" --engine buildah --bin "$binaries" --tag localhost/penstock:ci --out "$work/image" --archive
  mv "$work/image/penstock.tar" "$out/penstock-ci.tar"
  mv "$work/image/report.json" "$out/penstock-ci.json"
}

# The same program with one more section, as any change of its source would make another file of it.
changed_penstock() {
  local container
  date -u >"$work/change"
  container=$(buildah from --pull-never localhost/penstock:ci)
  strip -o "$work/penstock" "$binaries/every_program"
  objcopy --add-section ".penstock.change=$work/change" "$work/penstock"
  buildah copy --quiet "$container" "$work/penstock" /usr/bin/penstock
  buildah commit --quiet --format docker "$container" localhost/penstock:changed
  buildah rm "$container"
  skopeo --insecure-policy copy --quiet containers-storage:localhost/penstock:changed \
    "docker-archive:$out/penstock-changed.tar:localhost/penstock:changed"
}

# Of all that the archives are made of.
hash_of_sources() {
  find "$here" "$root/deploy/image" "$binaries/every_program" "$binaries/providersim" -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16
}

folder=$root/build/k8s/images/$(hash_of_sources)
if [[ ! -d $folder ]]; then
  mkdir "$out"
  {
    pause
    providersim
    penstock
    changed_penstock
  } >&2
  rm -rf "${folder%/*}"
  mkdir -p "${folder%/*}"
  mv "$out" "$folder"
fi
printf '%s\n' "$folder"
