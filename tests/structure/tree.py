"""The files of a source tree, and what they include."""

import re
from pathlib import Path

SKIPPED_FOLDERS = {".git", ".venv", "__pycache__", "build", "data", "node_modules"}
CXX_SUFFIXES = {".cc", ".h"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


class Tree:
    """All regular files below `root`, by path relative to it, with forward slashes."""

    def __init__(self, root):
        self.root = Path(root)
        self.paths = sorted(self._walk(self.root))
        self._includes = {path: self._read_includes(path) for path in self.cxx()}

    def _walk(self, folder):
        for entry in folder.iterdir():
            if entry.is_symlink():
                continue
            if entry.is_dir():
                if entry.name not in SKIPPED_FOLDERS:
                    yield from self._walk(entry)
            else:
                yield entry.relative_to(self.root).as_posix()

    def cxx(self):
        """Sources and headers of ours: everything below libs, services and tests."""
        return [path for path in self.paths
                if Path(path).suffix in CXX_SUFFIXES
                and path.split("/")[0] in ("libs", "services", "tests")]

    def includes(self, path):
        """What `path` includes, as written, with its line; empty for a file that is not ours."""
        return self._includes.get(path, [])

    def bytes(self, path):
        return (self.root / path).read_bytes()

    def text(self, path):
        return self.bytes(path).decode("utf-8", errors="replace")

    def _read_includes(self, path):
        text = self.text(path)
        return [(match.group(1) or match.group(2), text.count("\n", 0, match.start(0)) + 1)
                for match in INCLUDE.finditer(text)]
