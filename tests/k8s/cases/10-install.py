"""Every values file of helm/penstock/ci: install --wait, helm test with a conversation, one more by `penstock` and one
by the Python client through the Service, uninstall. Only volumes stay."""

# Tools: keda-crds cert-manager-crds prometheus-operator-crds gateway-api-crds

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kube import certificates, kinds  # noqa: E402
from kube.case import ROOT, main  # noqa: E402
from kube.commands import expect, kubectl, run, until  # noqa: E402
from kube.provider import Provider  # noqa: E402
from kube.release import Release, values_files  # noqa: E402
from kube.tokens import token  # noqa: E402

# The proxy that these values name is an example's.
OVERRIDES = {"everything": {"config.providers": [{"name": "sim", "base_url": "http://providersim:7430/v1"}]}}


def by_command(release):
    answer = release.penstock("chat", "--message", "My boat is called Albatross.")
    expect("Albatross" in answer, f"penstock chat answered {answer!r}")


def by_python_client(release):
    environment = dict(os.environ, PENSTOCK_ADDRESS=release.address(), PENSTOCK_TOKEN=token("python"))
    answer = run(sys.executable, str(ROOT / "tests/clients/python/chat.py"), "My dog is called Rex.",
                 environment=environment)
    expect("SUCCEEDED" in answer, f"the Python client printed {answer!r}")


def install_and_talk(case, values):
    namespace = case.namespace(values)
    Provider(namespace)
    certificates.give(namespace)
    release = Release(namespace, values, overrides=OVERRIDES.get(values))
    began = time.monotonic()
    with certificates.issuer(namespace):
        release.install()
    seconds = round(time.monotonic() - began, 1)
    case.figures.setdefault("install_seconds", {})[values] = seconds

    tested = release.test()
    expect(tested.count("Succeeded") == 2, f"helm test of {values}, expected health and chat: {tested}")
    # With mutual TLS the test's conversation has been the proof: by our own image, through the Service.
    if not release.has_tls():
        by_command(release)
        by_python_client(release)
    case.step(f"{values}: installed in {seconds} s, tested, talked to")

    release.uninstall()
    until(60, f"{values}: only volumes stay", lambda: not [
        left for left in release.left() if not left.startswith("PersistentVolumeClaim/")])
    kubectl("delete", "namespace", namespace, "--wait=false")


def body(case):
    kinds.apply_all()
    for values in values_files():
        install_and_talk(case, values)


main(body)
