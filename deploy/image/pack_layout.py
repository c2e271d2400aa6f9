#!/usr/bin/env python3
"""Makes an OCI layout small and reproducible: pack_layout.py LAYOUT [LEVEL].

Packs the layers anew with zstd: a fifth smaller than gzip, and by a tenth than what skopeo's own encoder
makes of them. Level 19 (default) keeps the window at 8 MiB, which every reader takes. Takes the names of
the builder's intermediate images, which are random, out of the history: after that the same files have
the same digest.
Needs the command zstd. Exit status: 0 done, 2 wrong arguments.
"""

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"


class Layout:
    """The blobs of one image; what is no longer referred to is removed."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, digest):
        return self.folder / "blobs" / digest.replace(":", "/")

    def put(self, content):
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.path(digest).write_bytes(content)
        return digest, len(content)

    def remove(self, digest):
        self.path(digest).unlink(missing_ok=True)


def compact(document):
    return json.dumps(document, separators=(",", ":")).encode()


def unpacked(path):
    packed = path.read_bytes()
    return gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed


def without_comments(layout, manifest):
    config = json.loads(layout.path(manifest["config"]["digest"]).read_text())
    for step in config.get("history", []):
        step.pop("comment", None)
    return compact(config)


def repack(folder, level):
    layout = Layout(folder)
    index_path = folder / "index.json"
    index = json.loads(index_path.read_text())
    (entry,) = index["manifests"]
    manifest = json.loads(layout.path(entry["digest"]).read_text())
    old = [entry["digest"]]
    for layer in manifest["layers"]:
        if layer["mediaType"] == MEDIA_TYPE:
            continue
        content = unpacked(layout.path(layer["digest"]))
        packed = subprocess.run(["zstd", f"-{level}", "-T0", "-c", "-q"], input=content, check=True,
                                capture_output=True).stdout
        old.append(layer["digest"])
        layer["digest"], layer["size"] = layout.put(packed)
        layer["mediaType"] = MEDIA_TYPE
    old.append(manifest["config"]["digest"])
    manifest["config"].update(zip(("digest", "size"), layout.put(without_comments(layout, manifest))))
    entry["digest"], entry["size"] = layout.put(compact(manifest))
    index_path.write_bytes(compact(index))
    kept = {entry["digest"], manifest["config"]["digest"]} | {layer["digest"] for layer in manifest["layers"]}
    for digest in set(old) - kept:
        layout.remove(digest)


def main(arguments):
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    repack(Path(arguments[0]), int(arguments[1]) if len(arguments) == 2 else 19)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
