"""Writes an OCI image archive of a folder, without a container tool.

oci_archive.py OUT.tar REFERENCE ROOT-FOLDER ENTRYPOINT...

One layer, root's files, user 65532, the same bytes for the same folder. For the images that only tests
need; Penstock's own comes from deploy/image.
"""

import gzip
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def layer_of(folder):
    """The folder as an uncompressed tar, in order of the names, without times and owners."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(Path(folder).rglob("*")):
            entry = tar.gettarinfo(path, arcname=str(path.relative_to(folder)))
            entry.uid = entry.gid = entry.mtime = 0
            entry.uname = entry.gname = ""
            if entry.isfile():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
    return buffer.getvalue()


class Archive:
    """An OCI layout inside a tar file."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "w")

    def add(self, name, content):
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self.tar.addfile(entry, io.BytesIO(content))

    def add_blob(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        self.add(f"blobs/sha256/{digest}", content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def as_json(value):
    return json.dumps(value, sort_keys=True).encode()


def main(out, reference, folder, *entrypoint):
    layer = layer_of(folder)
    archive = Archive(out)
    config = {"architecture": "amd64", "os": "linux",
              "config": {"User": "65532:65532", "Entrypoint": list(entrypoint)},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": archive.add_blob(CONFIG, as_json(config)),
                "layers": [archive.add_blob(LAYER, gzip.compress(layer, 6, mtime=0))]}
    named = archive.add_blob(MANIFEST, as_json(manifest))
    named["annotations"] = {"io.containerd.image.name": reference,
                            "org.opencontainers.image.ref.name": reference}
    archive.add("oci-layout", as_json({"imageLayoutVersion": "1.0.0"}))
    archive.add("index.json", as_json({"schemaVersion": 2, "manifests": [named]}))
    archive.tar.close()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
