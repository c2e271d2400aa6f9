#!/usr/bin/env python3
"""Reports on the image that deploy/image/build has laid out: report.py DIR.

Reads DIR/oci, an OCI layout of one image. Prints its sizes, user, entrypoint, layers, programs and
libraries, takes the bill of materials out of it into DIR/sbom.spdx.json, and writes what it found to
DIR/report.json. Exit status: 0 reported, 1 there is no image.
"""

import gzip
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

SBOM = "usr/share/penstock/sbom.spdx.json"
LIBRARIES = "usr/lib"
MB = 1000 * 1000


def blob(layout, digest):
    return layout / "blobs" / digest.replace(":", "/")


def parse(layout, digest):
    return json.loads(blob(layout, digest).read_text())


def unpacked(path):
    packed = path.read_bytes()
    if packed[:2] == b"\x1f\x8b":
        return gzip.decompress(packed)
    if packed[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dc", str(path)], check=True, capture_output=True).stdout
    return packed


def entries(content):
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            reader = tar.extractfile(member) if member.isfile() else None
            yield member, reader.read() if reader else b""


def report(folder):
    layout = folder / "oci"
    manifest_digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    manifest = parse(layout, manifest_digest)
    config = parse(layout, manifest["config"]["digest"])
    layers, programs, libraries, shells, setuid, sbom = [], {}, {}, [], [], None
    for layer in manifest["layers"]:
        content = unpacked(blob(layout, layer["digest"]))
        layers.append({"digest": layer["digest"], "media_type": layer["mediaType"],
                       "compressed_bytes": layer["size"], "gzip_bytes": len(gzip.compress(content, 6, mtime=0)),
                       "bytes": len(content)})
        for member, body in entries(content):
            name = member.name.removeprefix("./")
            if member.mode & 0o6000:
                setuid.append(name)
            if name == SBOM:
                sbom = body
            if not member.isfile() or not body.startswith(b"\x7fELF"):
                continue
            if name.rsplit("/", 1)[-1] in ("sh", "bash", "dash", "busybox"):
                shells.append(name)
            (libraries if name.startswith(LIBRARIES) else programs)[name] = member.size
    (folder / "sbom.spdx.json").write_bytes(sbom or b"")
    settings = config["config"]
    return {
        "digest": manifest_digest,
        # Of what the image is, however its layers are compressed.
        "image_id": manifest["config"]["digest"],
        "compressed_bytes": sum(layer["compressed_bytes"] for layer in layers),
        "gzip_bytes": sum(layer["gzip_bytes"] for layer in layers),
        "bytes": sum(layer["bytes"] for layer in layers),
        "created": config.get("created"),
        "user": settings.get("User"),
        "entrypoint": settings.get("Entrypoint"),
        "command": settings.get("Cmd"),
        "labels": settings.get("Labels") or {},
        "layers": layers,
        "programs": programs,
        "libraries": libraries,
        "shells": shells,
        "setuid": setuid,
        "packages": sorted(f"{package['name']} {package['versionInfo']}"
                           for package in json.loads(sbom)["packages"]) if sbom else [],
    }


def print_report(found):
    print(f"digest       {found['digest']}")
    print(f"image id     {found['image_id']}")
    print(f"compressed   {found['compressed_bytes'] / MB:.2f} MB in the layout ({found['gzip_bytes'] / MB:.2f} MB "
          f"if its layers were gzip), {found['bytes'] / MB:.1f} MB unpacked")
    print(f"user         {found['user']}")
    print(f"entrypoint   {found['entrypoint']} {found['command']}")
    for layer in found["layers"]:
        print(f"layer        {layer['digest'][:19]}  {layer['compressed_bytes'] / MB:6.2f} MB  {layer['media_type']}")
    for label, value in sorted(found["labels"].items()):
        print(f"label        {label}={value}")
    for name, size in sorted(found["programs"].items()):
        print(f"program      /{name}  {size / MB:.2f} MB")
    print(f"shells       {found['shells'] or 'none'}; setuid files: {found['setuid'] or 'none'}")
    print(f"libraries    {len(found['libraries'])}, {sum(found['libraries'].values()) / MB:.1f} MB; the largest:")
    for name, size in sorted(found["libraries"].items(), key=lambda pair: -pair[1])[:8]:
        print(f"             /{name}  {size / MB:.2f} MB")
    print(f"packages     {len(found['packages'])}, in sbom.spdx.json with versions")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    if not (folder / "oci/index.json").exists():
        print(f"{folder}/oci: there is no image; deploy/image/build makes one", file=sys.stderr)
        return 1
    found = report(folder)
    (folder / "report.json").write_text(json.dumps(found, indent=1) + "\n")
    print_report(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
