"""Certificates of a release with mutual TLS: given ones, and a stand-in for cert-manager.

cert-manager's program is in no module that can be fetched, its kinds are. The stand-in does what its CA issuer does
with a Certificate: an authority for each namespace, and the Secret that the Certificate names.
"""

import base64
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

from kube.case import ROOT
from kube.commands import Failed, apply, read, run

GIVEN = ("gateway", "dispatcher", "session-state", "memory-recall", "provider-adapter", "client")


def secret(name, folder, certificate):
    def encoded(file):
        return base64.b64encode(Path(folder, file).read_bytes()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name},
            "data": {"tls.crt": encoded(f"{certificate}.crt"), "tls.key": encoded(f"{certificate}.key"),
                     "ca.crt": encoded("ca.crt")}}


def give(namespace):
    """Secrets of one's own, as deploy/certificates makes the files."""
    with tempfile.TemporaryDirectory() as folder:
        run(str(ROOT / "deploy/certificates"), folder, *GIVEN)
        apply(*(secret(f"{name}-tls", folder, name) for name in GIVEN), namespace=namespace)


@contextmanager
def issuer(namespace):
    """Issues what Certificates of the namespace ask for, while it lasts."""
    stop = threading.Event()
    thread = threading.Thread(target=_issue, args=(namespace, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _issue(namespace, stop):
    issued = set()
    with tempfile.TemporaryDirectory() as folder:
        while not stop.wait(0.3):
            try:
                certificates = read("--namespace", namespace, "certificates.cert-manager.io")["items"]
            except Failed:
                continue
            for certificate in certificates:
                name, spec = certificate["metadata"]["name"], certificate["spec"]
                if name not in issued and spec.get("dnsNames"):
                    run(str(ROOT / "deploy/certificates"), folder, ",".join(spec["dnsNames"]))
                    apply(secret(spec["secretName"], folder, spec["dnsNames"][0]), namespace=namespace)
                    issued.add(name)
