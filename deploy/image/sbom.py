#!/usr/bin/env python3
"""The image's bill of materials, SPDX 2.3 as JSON.

  sbom.py --manifest FILE --files DIR --out FILE

A line of the manifest is "package /path/in/image", packages as dpkg names them on this machine. DIR
is what deploy/image/collect laid out: DIR/programs is Penstock itself, DIR/libraries came from Debian.
The same files give the same bytes: times come from SOURCE_DATE_EPOCH, the namespace from the content.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

# Compiled into the programs from headers alone, so that no library in the image tells of it.
HEADERS_ONLY = ["libboost1.81-dev"]
FIELDS = ["Package", "Version", "Architecture", "Maintainer", "Homepage", "source:Package", "source:Version"]
NAMESPACE = uuid.UUID("6f1c1f4e-8c53-4b0e-9d0c-6a6f7b1f7c11")


def spdx_id(kind, name):
    safe = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else f"-{ord(c):x}-" for c in name)
    return f"SPDXRef-{kind}-{safe}"


def debian_package(name):
    answer = subprocess.run(["dpkg-query", "-W", "-f", "\n".join(f"${{{field}}}" for field in FIELDS), name],
                            check=True, capture_output=True, text=True).stdout
    return dict(zip(FIELDS, answer.split("\n")))


def package_entry(name):
    found = debian_package(name)
    purl = (f"pkg:deb/debian/{quote(found['Package'])}@{quote(found['Version'])}"
            f"?arch={found['Architecture']}&distro=debian-12")
    return {
        "SPDXID": spdx_id("Package", found["Package"]),
        "name": found["Package"],
        "versionInfo": found["Version"],
        "supplier": f"Organization: {found['Maintainer'].split(' <')[0]}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "homepage": found["Homepage"] or "NOASSERTION",
        "sourceInfo": f"Debian source package {found['source:Package']} {found['source:Version']}",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "licenseComments": f"/usr/share/doc/{found['Package']}/copyright",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "LIBRARY",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": purl}],
    }


def penstock_entry(version):
    return {
        "SPDXID": "SPDXRef-Package-penstock",
        "name": "penstock",
        "versionInfo": version,
        "supplier": "Organization: Penstock",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "CONTAINER",
    }


def file_entry(path, file):
    content = file.read_bytes()
    return {
        "SPDXID": spdx_id("File", path),
        "fileName": f".{path}",
        "fileTypes": ["BINARY" if content[:4] == b"\x7fELF" else "TEXT"],
        "checksums": [{"algorithm": "SHA1", "checksumValue": hashlib.sha1(content).hexdigest()},
                      {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()}],
        "licenseConcluded": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }


def relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def version_of(programs):
    """What the programs themselves say: "penstock 0.1.0"."""
    return subprocess.run([programs / "usr/bin/penstock", "version"], check=True, capture_output=True,
                          text=True).stdout.split()[1]


def bill(manifest, files):
    programs = sorted(path for path in (files / "programs/usr/bin").iterdir() if not path.is_symlink())
    version = version_of(files / "programs")
    owners = [line.split(maxsplit=1) for line in manifest.read_text().splitlines()]
    packages = {name: package_entry(name) for name in sorted({owner for owner, _ in owners} | set(HEADERS_ONLY))}
    entries, relations = [], [relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Package-penstock")]
    for program in programs:
        entries.append(file_entry(f"/usr/bin/{program.name}", program))
        relations.append(relation(entries[-1]["SPDXID"], "GENERATED_FROM", "SPDXRef-Package-penstock"))
    for owner, path in sorted(owners, key=lambda pair: pair[1]):
        entries.append(file_entry(path, files / "libraries" / path.lstrip("/")))
        relations.append(relation(entries[-1]["SPDXID"], "EXPANDED_FROM_ARCHIVE", packages[owner]["SPDXID"]))
    for name, package in packages.items():
        kind = "BUILD_DEPENDENCY_OF" if name in HEADERS_ONLY else "DEPENDENCY_OF"
        relations.append(relation(package["SPDXID"], kind, "SPDXRef-Package-penstock"))
    content = {"packages": [penstock_entry(version), *packages.values()], "files": entries,
               "relationships": relations}
    digest = uuid.uuid5(NAMESPACE, json.dumps(content, sort_keys=True))
    created = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or 0), timezone.utc)
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"penstock-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/penstock-{version}-{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: penstock-deploy-image-sbom"]},
        **content,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("manifest", "files", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    document = bill(arguments.manifest, arguments.files)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{arguments.out}: {len(document['packages'])} packages, {len(document['files'])} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
