"""The release programs take the configurations that the chart makes, of every ci values file.

Needs PENSTOCK_BIN_DIR (default build/release/bin). Only addresses to listen on, the data folder and files that a pod would
have mounted are put elsewhere.
"""
import os
import pathlib
import selectors
import subprocess
import tempfile
import unittest

import yaml

from rendering import CI_FILES, ROOT, render

PROGRAMS = ROOT / os.environ.get("PENSTOCK_BIN_DIR", "build/release/bin")
START_SECONDS = 30


def mounted(part, name):
    """Where the first container finds this volume; None where it has none."""
    pod = part["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    return mounts.get(name)


class Pod:
    """One component's files, variables and program, below a folder."""

    def __init__(self, rendering, part, root):
        self.part = part
        self.component = part["metadata"]["labels"]["app.kubernetes.io/component"]
        self.root = root
        self.secrets = {secret["metadata"]["name"]: secret["stringData"] for secret in rendering.all("Secret")}
        self.config = rendering.config(self.component)
        self._write_files(rendering)
        self._move()

    def _write_files(self, rendering):
        if data := mounted(self.part, "data"):
            (self.root / data.lstrip("/")).mkdir(parents=True)
        for volume in self.part["spec"]["template"]["spec"]["volumes"]:
            folder = mounted(self.part, volume["name"])
            if volume["name"] == "tls":
                self._make_certificate(folder)
            elif volume["name"] == "files":
                for name, text in rendering.one("ConfigMap", volume["configMap"]["name"])["data"].items():
                    self._write(f"{folder}/{name}", text)
            elif volume["name"] == "provider-keys":
                for source in volume["projected"]["sources"]:
                    secret = self.secrets[source["secret"]["name"]]
                    for item in source["secret"]["items"]:
                        self._write(f"{folder}/{item['path']}", secret[item["key"]])

    def _write(self, path, text):
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def _make_certificate(self, folder):
        name = self.config["tls"][{"standalone": "gateway"}.get(self.component, self.component).replace("-", "_")
                                  + "_name"]
        made = self.root / "made"
        subprocess.run([ROOT / "deploy/certificates", made, name], check=True, capture_output=True, timeout=60)
        for file, source in (("tls.crt", f"{name}.crt"), ("tls.key", f"{name}.key"), ("ca.crt", "ca.crt")):
            self._write(f"{folder}/{file}", (made / source).read_text())

    def _move(self):
        """Ports of anybody's choice, and files below the folder."""
        text = yaml.safe_dump(self.config)
        for path in ("/etc/penstock/", "/var/lib/penstock"):
            text = text.replace(path, f"{self.root}{path}")
        self.config = yaml.safe_load(text)
        self.config["process"]["admin"] = "127.0.0.1:0"
        endpoints = self.config["endpoints"]
        for name, endpoint in endpoints.items():
            if str(endpoint).startswith(("0.0.0.0:", "[::]:")):
                endpoints[name] = endpoint.rpartition(":")[0] + ":0"
        (self.root / "config.yaml").write_text(yaml.safe_dump(self.config))

    def _environment(self):
        variables = {"PATH": os.environ["PATH"]}
        for variable in self.part["spec"]["template"]["spec"]["containers"][0]["env"]:
            source = variable.get("valueFrom", {}).get("secretKeyRef")
            variables[variable["name"]] = (self.secrets[source["name"]][source["key"]] if source
                                           else variable["value"])
        return variables

    def run(self):
        """Starts the program, ends it when it is ready; its ready line, and its log where there is none."""
        program = self.part["spec"]["template"]["spec"]["containers"][0]["command"][0].rpartition("/")[2]
        with open(self.root / "log", "w+") as log:
            process = subprocess.Popen([PROGRAMS / program, f"--config={self.root}/config.yaml"], cwd=self.root,
                                       env=self._environment(), stdout=subprocess.PIPE, stderr=log, text=True)
            try:
                with selectors.DefaultSelector() as selector:
                    selector.register(process.stdout, selectors.EVENT_READ)
                    line = process.stdout.readline() if selector.select(START_SECONDS) else ""
                process.terminate()
                status = process.wait(START_SECONDS)
            finally:
                process.kill()
                process.stdout.close()
            log.seek(0)
            return line, status, log.read()


class ProgramsTest(unittest.TestCase):
    def test_every_program_starts_with_its_configuration_and_ends_well(self):
        for file in CI_FILES:
            rendering = render(file.name.removesuffix("-values.yaml"), "config: {drain: {delay: 0s}}")
            for part in rendering.workloads():
                component = part["metadata"]["labels"]["app.kubernetes.io/component"]
                with self.subTest(values=file.name, component=component), tempfile.TemporaryDirectory() as folder:
                    line, status, log = Pod(rendering, part, pathlib.Path(folder)).run()
                    self.assertIn('"ready"', line, log)
                    self.assertEqual(status, 0, log)


if __name__ == "__main__":
    unittest.main()
