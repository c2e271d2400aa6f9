"""Sizes, names, READMEs, flags. A rule takes a Tree and yields one sentence for each offence."""

import re
from pathlib import PurePosixPath

BAD_NAME = re.compile(r"(^|[_.-])(utils?|helpers?|common|misc|managers?|stuff)([_.-]|$)", re.IGNORECASE)
# Flags that clang 19 does not know, and compilers other than it.
GCC_ONLY = re.compile(
    r"(?<![\w-])(-fconcepts|-fmodules-ts|-fanalyzer|-fcoroutines|-fno-gnu-unique|-flto-partition\S*"
    r"|-W(?:no-)?(?:maybe-uninitialized|logical-op|duplicated-cond|duplicated-branches|useless-cast"
    r"|stringop-\w+|class-memaccess|noexcept|suggest-override|dangling-reference))(?![\w-])"
    r"|CMAKE_CXX_COMPILER\S*[=\"\s:]+(?:\S*/)?(?:g\+\+|gcc)")
# What only tests use, beside the code it tests.
FOR_TESTS = re.compile(r"(_test|_fuzz|_fixture|_for_test)\.\w+$|_conformance|^fake_|^testing\.")
# Recorded bytes; they end as they were recorded.
RECORDED = re.compile(r"(^|/)(testdata|corpus)/")


def line_limit(path):
    name = PurePosixPath(path).name
    if name == "main.cc" and path.startswith("services/"):
        return 40, "a main"
    if path.startswith("tests/") or FOR_TESTS.search(name):
        return 450, "a test"
    if name.endswith(".h"):
        return 180, "a header"
    return 330, "a source"


# Also those that take a safeguard away.
FAILPOINT = re.compile(r'PENSTOCK_(?:FAILPOINT|FAILPOINT_STATUS|PLANTED_BUG)\(\s*"([^"]+)"')
TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
RULES_PAGE = "tests/RULES.md"
TEST_ON_PAGE = re.compile(r"`([A-Z]\w+\.[A-Z]\w+)`")
FAILPOINTS_PAGE = "tests/chaos/FAILPOINTS.md"
# `area.what`, but no path and no file.
FAILPOINT_ON_PAGE = re.compile(r"`([a-z_]+(?:\.[a-z_]+)+)`(?=[ ,.;])")


def sizes(tree):
    for path in tree.cxx():
        limit, what = line_limit(path)
        lines = tree.bytes(path).count(b"\n")
        if lines > limit:
            yield f"{path}: {lines} lines, {what} has at most {limit}: the concept has split, split the file"


def names(tree):
    for path in tree.paths:
        for piece in path.split("/"):
            match = BAD_NAME.search(piece)
            if match and not path.startswith("protos/google/"):
                yield f"{path}: '{match.group(2)}' does not say what it is; use the field's own word"
                break


def readmes(tree):
    folders = {"/".join(path.split("/")[:2]) for path in tree.paths
               if path.startswith(("libs/", "services/")) and path.count("/") >= 2}
    for folder in sorted(folders):
        if f"{folder}/README.md" not in tree.paths:
            yield f"{folder}: has no README.md"


def newlines(tree):
    for path in tree.paths:
        content = tree.bytes(path)
        recorded = RECORDED.search(path) or b"\0" in content
        if content and not recorded and not content.endswith(b"\n"):
            yield f"{path}: does not end with a newline"


def compiler_flags(tree):
    for path in tree.paths:
        if path.endswith((".cmake", "CMakeLists.txt", "CMakePresets.json")):
            for number, line in enumerate(tree.text(path).splitlines(), 1):
                match = GCC_ONLY.search(line)
                if match:
                    yield f"{path}:{number}: '{match.group(0)}' is for g++; the compiler is clang 19"


def failpoints(tree):
    """The page of failpoints names those of the sources, and no other."""
    in_sources = {name: path for path in tree.cxx() if path.startswith(("libs/", "services/"))
                  and not path.startswith("libs/base/failpoint")
                  for name in FAILPOINT.findall(tree.text(path))}
    on_page = set()
    if FAILPOINTS_PAGE in tree.paths:
        on_page = set(FAILPOINT_ON_PAGE.findall(tree.text(FAILPOINTS_PAGE)))
    for name in sorted(in_sources.keys() - on_page):
        yield f"{in_sources[name]}: failpoint {name} is not in {FAILPOINTS_PAGE}"
    for name in sorted(on_page - in_sources.keys()):
        yield f"{FAILPOINTS_PAGE}: no source has failpoint {name}"


def rules(tree):
    """The page of a turn's rules names tests that exist."""
    if RULES_PAGE not in tree.paths:
        return
    tests = {".".join(match) for path in tree.cxx() if path.startswith(("libs/", "services/", "tests/"))
             for match in TEST.findall(tree.text(path))}
    for name in TEST_ON_PAGE.findall(tree.text(RULES_PAGE)):
        if name not in tests:
            yield f"{RULES_PAGE}: there is no test {name}"


ALL = [sizes, names, readmes, newlines, compiler_flags, failpoints, rules]
