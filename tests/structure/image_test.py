#!/usr/bin/env python3
"""Checks that image, compose file and programs agree: what is built is what is shipped and started."""

import re
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]


def text(path):
    return (ROOT / path).read_text()


def block(lines, name, indent):
    """The lines below "name:" that are indented further, without comments."""
    start = lines.index(" " * indent + name + ":") + 1
    found = []
    for line in lines[start:]:
        if line.strip() and not line.startswith(" " * (indent + 1)):
            break
        if not line.lstrip().startswith("#"):
            found.append(line)
    return found


class Programs(unittest.TestCase):
    listed = text("deploy/image/programs").split()

    def test_of_the_image_are_those_of_the_services(self):
        declared = []
        for path in sorted((ROOT / "services").glob("*/CMakeLists.txt")):
            declared += re.findall(r"^penstock_binary\(\s*NAME (\w+)", path.read_text(), re.MULTILINE)
        self.assertEqual(sorted(declared), self.listed)

    def test_are_all_in_the_one_file(self):
        cmake = text("services/every_program/CMakeLists.txt")
        self.assertEqual(re.search(r"PROGRAMS ([\w ]+)", cmake)[1].split(), self.listed)


class Dockerfile(unittest.TestCase):
    lines = text("deploy/image/Dockerfile").splitlines()
    final = lines[max(i for i, line in enumerate(lines) if line == "FROM scratch"):]

    def instruction(self, name):
        return next(line for line in self.final if line.startswith(name + " "))

    def test_runs_as_a_user_of_numbers_without_a_shell(self):
        self.assertEqual(self.instruction("USER"), "USER 65532:65532")
        self.assertRegex(self.instruction("ENTRYPOINT"), r'^ENTRYPOINT \["/usr/bin/\w+"\]$')
        self.assertRegex(self.instruction("CMD"), r"^CMD \[")
        self.assertFalse([line for line in self.final if line.startswith("RUN ")])

    def test_asks_the_process_for_its_health(self):
        self.assertIn("HEALTHCHECK", "\n".join(self.final))
        self.assertIn('CMD ["/usr/bin/penstock", "health", "--admin"', "\n".join(self.final))


def services(lines):
    names = [line.strip(" :") for line in block(lines, "services", 0) if re.match(r"  [\w-]+:$", line)]
    return {name: block(lines, name, 2) for name in names}


class Compose(unittest.TestCase):
    lines = text("deploy/compose.yaml").splitlines()
    services = services(lines)

    def test_has_the_five_and_standalone_each_by_its_program(self):
        started = {name: re.search(r"entrypoint: \[/usr/bin/(\w+),", "\n".join(lines))[1]
                   for name, lines in self.services.items()}
        self.assertEqual(started, {name.replace("_", "-"): name for name in Programs.listed if name != "penstock"})

    def test_hardens_every_service(self):
        shared = "\n".join(block([line.replace(": &penstock", ":") for line in self.lines], "x-penstock", 0))
        for setting in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", 'user: "65532:65532"'):
            self.assertIn(setting, shared)
        for name, lines in self.services.items():
            self.assertIn("    <<: *penstock", lines, name)

    def test_publishes_the_gateway_alone_and_on_loopback(self):
        published = {name: re.findall(r"ports: (.*)", "\n".join(lines)) for name, lines in self.services.items()}
        here = ['["127.0.0.1:${PENSTOCK_PORT:-7420}:7420"]']
        self.assertEqual({name: ports for name, ports in published.items() if ports},
                         {"gateway": here, "standalone": here})

    def test_waits_for_the_drain_and_ten_seconds(self):
        drain = int(re.search(r"`drain.timeout` \| duration \| `(\d+)s`", text("deploy/config/SETTINGS.md"))[1])
        self.assertIn(f"  stop_grace_period: {drain + 10}s", self.lines)

    def test_names_the_version_that_is_built(self):
        version = re.search(r"project\(penstock VERSION ([\d.]+)", text("CMakeLists.txt"))[1]
        self.assertIn(f"  image: ${{PENSTOCK_IMAGE:-localhost/penstock:{version}}}", self.lines)


if __name__ == "__main__":
    unittest.main()
