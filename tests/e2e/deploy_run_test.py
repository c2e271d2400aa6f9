#!/usr/bin/env python3
"""deploy/run as a script: arguments, ports, verdicts, and what it leaves behind.

The programs are stand-ins here, so that each way to fail can be had; `tests/run` runs the real
`deploy/run --once`.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Listens on the port of --listen, or on the ones given by the name of the program and --config;
# notes its pid and how it was stopped.
SERVER = """
    import os, re, signal, socket, sys
    name = os.path.basename(sys.argv[0])
    notes = os.path.join(os.path.dirname(sys.argv[0]), "notes")
    def note(text):
        with open(notes, "a") as file:
            file.write(f"{name} {os.getpid()} {text}\\n")
    if "--config" in sys.argv:
        config = open(sys.argv[sys.argv.index("--config") + 1]).read()
        shown = re.sub(r"\\s+", " ", config)
        note("config " + shown)
        key = {"standalone": "gateway"}.get(name, name)
        port = int(re.search(rf"^  {key}: 127.0.0.1:(\\d+)", config, re.M).group(1))
    else:
        port = int(sys.argv[sys.argv.index("--listen") + 1].split(":")[1])
    if os.environ.get("STAND_IN_DIES") == name:
        sys.exit("stand-in: no space left on device")
    listener = socket.create_server(("127.0.0.1", port))
    signal.signal(signal.SIGTERM, lambda *_: (note("stopped"), sys.exit(0)))
    note("started")
    while True:
        signal.pause()
"""

# Remembers what was said, in a file; answers from it unless told not to.
COMMAND = """
    import os, sys
    memory = os.path.join(os.path.dirname(sys.argv[0]), "memory")
    arguments = sys.argv[1:]
    if arguments[:2] == ["token", "mint"]:
        print("a.b.c")
    elif arguments[0] == "memory":
        print(open(memory).read())
    elif os.environ["PENSTOCK_TOKEN"] == "a.b.c":
        with open(os.path.join(os.path.dirname(sys.argv[0]), "notes"), "a") as notes:
            files = [os.environ.get(f"PENSTOCK_TLS_{name}", "") for name in ("CA", "CERT", "KEY")]
            notes.write(f"penstock {os.getpid()} {'tls' if all(map(os.path.exists, files)) else 'plain'}\\n")
        said = arguments[arguments.index("--message") + 1]
        if not said.endswith("?"):
            open(memory, "w").write(said)
        knows = "--no-recall" not in arguments or os.environ.get("STAND_IN_LEAKS")
        print(open(memory).read() if knows else "I do not know.")
"""


def free_port():
    """The first of eleven ports that are free, below those that the system gives to others."""
    while True:
        port = random.randrange(10000, 32000)
        if all(_is_free(port + n) for n in range(11)):
            return port


def _is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class DeployRun(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.bin = self.root / "build/release/bin"
        self.bin.mkdir(parents=True)
        (self.root / "deploy").mkdir()
        (self.root / "tmp").mkdir()
        for script in ("run", "certificates"):
            shutil.copy(ROOT / "deploy" / script, self.root / "deploy")
        shutil.copytree(ROOT / "deploy/config", self.root / "deploy/config")
        # What the provider received is checked by the real program; a stand-in records nothing.
        (self.root / "deploy/recorded_request.py").write_text("")
        self.script("deploy/packages", "")
        self.script("tools/cmake", "")
        for name in ("standalone", "gateway", "dispatcher", "session_state", "memory_recall",
                     "provider_adapter", "providersim"):
            self.script(self.bin / name, SERVER)
        self.script(self.bin / "penstock", COMMAND)
        self.port = free_port()

    def script(self, path, body):
        path = self.root / path
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\n" + textwrap.dedent(body))
        path.chmod(0o755)

    def start(self, *arguments, **environment):
        environment = {**os.environ, "TMPDIR": str(self.root / "tmp"), "PENSTOCK_PORT": str(self.port),
                       "PATH": f"{self.root}/tools:{os.environ['PATH']}", **environment}
        return subprocess.Popen([self.root / "deploy/run", *arguments], env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def run_it(self, *arguments, **environment):
        process = self.start(*arguments, **environment)
        output = process.communicate(timeout=60)[0]
        return process.returncode, output

    def notes(self, what):
        """Names of the programs that noted `what`, in order."""
        path = self.bin / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split()[0] for line in lines if line.split()[2] == what]

    def assert_nothing_left(self, logs=False):
        self.assertEqual(self.notes("started"), self.notes("stopped")[::-1])
        self.assertEqual(any((self.root / "tmp").iterdir()), logs)
        self.assertTrue(all(_is_free(self.port + n) for n in range(11)))

    def test_once_ends_with_0_when_the_answers_are_right(self):
        status, output = self.run_it("--once")

        self.assertEqual(status, 0, output)
        self.assertIn("All answers were right", output)
        self.assertEqual(self.notes("started"), ["providersim", "standalone"])
        self.assert_nothing_left()

    def test_once_ends_with_1_when_an_answer_is_wrong(self):
        status, output = self.run_it("--once", STAND_IN_LEAKS="1")

        self.assertEqual(status, 1)
        self.assertIn("WRONG: expected that with recall off it does not know", output)
        self.assertIn("Logs are kept in", output)
        self.assert_nothing_left(logs=True)

    def test_five_starts_each_service_before_the_one_that_calls_it(self):
        status, output = self.run_it("--once", "--five")

        self.assertEqual(status, 0, output)
        self.assertEqual(self.notes("started"),
                         ["providersim", "session_state", "memory_recall", "provider_adapter",
                          "dispatcher", "gateway"])
        self.assert_nothing_left()

    def test_a_signal_stops_everything_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                process = self.start()
                while "Ctrl-C stops it" not in process.stdout.readline():
                    self.assertIsNone(process.poll())
                process.send_signal(number)

                self.assertIn("Stopping", process.communicate(timeout=60)[0])
                self.assertEqual(process.returncode, 0)
                self.assert_nothing_left()
                (self.bin / "notes").unlink()

    def test_says_which_program_died_and_why(self):
        status, output = self.run_it("--once", STAND_IN_DIES="standalone")

        self.assertEqual(status, 1)
        self.assertIn("standalone ended with status 1", output)
        self.assertIn("no space left on device", output)
        self.assert_nothing_left(logs=True)

    def test_says_when_a_program_dies_later(self):
        process = self.start()
        while "Ctrl-C stops it" not in process.stdout.readline():
            self.assertIsNone(process.poll())
        lines = (self.bin / "notes").read_text().splitlines()
        pid = next(int(line.split()[1]) for line in lines if line.startswith("standalone"))
        os.kill(pid, signal.SIGKILL)

        output = process.communicate(timeout=60)[0]

        self.assertEqual(process.returncode, 1)
        self.assertIn("standalone ended with status 137", output)

    def test_a_taken_port_is_named_with_a_way_out(self):
        with socket.create_server(("127.0.0.1", self.port + 10)):
            status, output = self.run_it("--once")

        self.assertEqual(status, 1)
        self.assertIn(f"something already listens on port {self.port + 10}.", output)
        self.assertIn("PENSTOCK_PORT=", output)
        self.assertEqual(self.notes("started"), [])

    def test_the_configuration_has_this_runs_ports_and_data_folder(self):
        status, output = self.run_it("--once", "--five", "--data", str(self.root / "kept"))

        self.assertEqual(status, 0, output)
        config = next(line for line in (self.bin / "notes").read_text().splitlines()
                      if line.startswith("gateway") and " config " in line)
        self.assertIn(f'data_dir: "{self.root}/kept"', config)
        self.assertIn(f"dispatcher: 127.0.0.1:{self.port + 1} ", config)
        self.assertIn(f"base_url: http://127.0.0.1:{self.port + 10}/v1", config)
        self.assertIn("admin: 127.0.0.1:0 ", config)
        self.assertTrue((self.root / "kept").is_dir())

    def test_tls_gives_each_service_and_the_caller_a_certificate_of_its_own(self):
        status, output = self.run_it("--once", "--five", "--tls")

        self.assertEqual(status, 0, output)
        lines = (self.bin / "notes").read_text().splitlines()
        for name in ("gateway", "dispatcher", "session_state", "memory_recall", "provider_adapter"):
            config = next(line for line in lines if line.startswith(f"{name} ") and " config " in line)
            service = name.replace("_", "-")
            self.assertRegex(config, rf'tls: cert_file: "[^"]*/{service}\.crt" '
                                     rf'key_file: "[^"]*/{service}\.key" ca_file: "[^"]*/ca\.crt"')
        self.assertIn("tls", [line.split()[2] for line in lines if line.startswith("penstock ")])
        self.assertNotIn("plain", [line.split()[2] for line in lines])
        self.assert_nothing_left()

    def test_without_tls_the_caller_has_no_certificate(self):
        status, output = self.run_it("--once", PENSTOCK_TLS_CA="")

        self.assertEqual(status, 0, output)
        self.assertIn("plain", [line.split()[2] for line in (self.bin / "notes").read_text().splitlines()])
        self.assertFalse("tls:" in (self.bin / "notes").read_text())

    def test_openai_needs_a_key_and_starts_no_simulator(self):
        status, output = self.run_it("--once", "--provider", "openai", OPENAI_API_KEY="")
        self.assertEqual(status, 2)
        self.assertIn("OPENAI_API_KEY", output)

        status, output = self.run_it("--once", "--provider", "openai", OPENAI_API_KEY="key")
        self.assertEqual(status, 0, output)
        self.assertEqual(self.notes("started"), ["standalone"])
        self.assertIn("https://api.openai.com/v1", (self.bin / "notes").read_text())

    def test_wrong_arguments_are_refused_with_2(self):
        for arguments in (["--twice"], ["--provider"], ["--provider", "acme"], ["--data"]):
            status, output = self.run_it(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertTrue(output.startswith("deploy/run: "), output)
        for port in ("http", "80", "65526", "08000"):
            status, output = self.run_it("--once", PENSTOCK_PORT=port)
            self.assertEqual(status, 2, port)
            self.assertIn("PENSTOCK_PORT: found", output)
        self.assertEqual(self.run_it("--help")[0], 0)


if __name__ == "__main__":
    unittest.main()
