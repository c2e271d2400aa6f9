"""Programs of the world that only some cases need; they end with the case."""

import os
import subprocess

from kube.case import WORLD
from kube.commands import run


def tool(name):
    return run(os.environ["TOOLS"], name).strip()


class Program:
    """`with Program(name, command…):`; its log is NAME.log among the world's."""

    def __init__(self, name, *command, environment=None):
        self.name = name
        self.command = command
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None

    def __enter__(self):
        with open(WORLD / "logs" / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=self.environment)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
