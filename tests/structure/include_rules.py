"""Who may include whom. A rule takes a Tree and yields one sentence for each offence.

    services/standalone -> services/<one of the five> -> libs of rank 2 -> libs of rank 1 -> libs/base

Services never include each other; they meet in protos/.
"""

import re

LIBRARY_RANKS = {
    "base": 0,
    "async": 1, "identity": 1, "obs": 1,
    "guard": 2, "host": 2, "http": 2, "postgres": 2, "pricing": 2, "rocksdb": 2, "rpc": 2,
    "tokens": 2,
}
SERVICES = {"dispatcher", "gateway", "memory_recall", "provider_adapter", "session_state"}
# Folders of tests/ that stand outside of the product: they talk to it over sockets.
OUTSIDE = {"chaos", "clients", "e2e", "harness", "providersim"}

# Header -> the one library whose headers may include it. Sources may, everywhere.
HEAVY = [
    (re.compile(r"^(grpc|grpcpp|grpc\+\+)/|\.grpc\.pb\.h$"), "gRPC", "libs/rpc/"),
    (re.compile(r"^rocksdb/"), "RocksDB", "libs/rocksdb/"),
    (re.compile(r"^(postgresql/)?(libpq-fe|libpq-events)\.h$"), "libpq", "libs/postgres/"),
]

# The RPCs of one service, a class derived from a generated one: the only headers of a service that
# bring gRPC along. No other header may include them.
RIM = re.compile(r"^services/[^/]+/[a-z_]+_service\.h$")


def part_of(path):
    """("libs", "rpc") of libs/rpc/x.h; None for what is not below libs, services or tests."""
    pieces = path.split("/")
    if len(pieces) < 3 or pieces[0] not in ("libs", "services", "tests"):
        return None
    return pieces[0], pieces[1]


def why_not(path, included):
    """Why `path` may not include `included`, or None."""
    here, there = part_of(path), part_of(included)
    if here is None or there is None or here == there:
        return None
    may = {"libs": _library_may, "services": _service_may, "tests": _test_may}[here[0]]
    is_test = path.endswith(("_test.cc", "_fuzz.cc"))
    return may(here[1], there, is_test)


def _library_may(name, there, is_test):
    if there[0] == "services":
        return "a library does not know the services"
    if there[0] == "tests":
        return None if is_test else "only a test may include what is below tests/"
    here_rank, there_rank = LIBRARY_RANKS.get(name), LIBRARY_RANKS.get(there[1])
    if here_rank is None or there_rank is None:
        return None  # known_libraries says so, once
    if there_rank > here_rank:
        return f"upward: libs/{name} stands below libs/{there[1]}"
    if there_rank == here_rank:
        return f"sideways: libs/{name} and libs/{there[1]} stand side by side"
    return None


def _service_may(name, there, is_test):
    if there[0] == "libs":
        return None
    if there[0] == "tests":
        return None if is_test else "only a test may include what is below tests/"
    if name == "standalone" and there[1] in SERVICES:
        return None
    if name == "cli":
        return "the command knows the services by their protos only"
    return f"services never include each other's code; {name} and {there[1]} meet in protos/"


def _test_may(name, there, _):
    if there[0] == "services" and name in OUTSIDE:
        return f"tests/{name} talks to services over sockets and shares no code with them"
    if name == "providersim" and there[0] == "tests":
        return "the simulator stands alone"
    return None


def direction(tree):
    for path in tree.cxx():
        for included, line in tree.includes(path):
            reason = why_not(path, included)
            if reason:
                yield f'{path}:{line}: includes "{included}": {reason}'


def known_libraries(tree):
    names = {path.split("/")[1] for path in tree.cxx() if part_of(path) and path.startswith("libs/")}
    for name in sorted(names - LIBRARY_RANKS.keys()):
        yield f"libs/{name}: has no rank in tests/structure/include_rules.py"
    services = {path.split("/")[1] for path in tree.cxx()
                if part_of(path) and path.startswith("services/")}
    for name in sorted(services - SERVICES - {"standalone", "cli", "every_program"}):
        yield f"services/{name}: is no service of tests/structure/include_rules.py"


def heavy_headers(tree):
    """No header of ours brings gRPC, RocksDB or libpq along, directly or through another of ours."""
    for pattern, library, home in HEAVY:
        reaches = {}
        for path in filter(lambda path: _must_be_light(path, home), tree.cxx()):
            chain = _chain(tree, path, pattern, reaches)
            # Of a chain only the first offender is named: its includers fall with it.
            if chain and not (tree.includes(chain[1]) and _must_be_light(chain[1], home)):
                yield (f"{path}: a header that includes {' -> '.join(chain[1:])}: {library} stays in .cc "
                       f"files, in {home} and in the RPC rim services/*/*_service.h. Declare what needs "
                       f"it in the .cc file, and in the header a function or a struct Parts that hides it")


def _must_be_light(path, home):
    return path.endswith(".h") and not path.startswith((home, "tests/")) and not RIM.match(path)


def _chain(tree, path, pattern, reaches):
    """The shortest way down from `path` to a header that matches, [path, ..., header], or None."""
    if path in reaches:
        return reaches[path]
    reaches[path] = None  # also ends a cycle
    best = None
    for included, _ in tree.includes(path):
        rest = [included] if pattern.search(included) else _chain(tree, included, pattern, reaches)
        if rest and (best is None or len(rest) + 1 < len(best)):
            best = [path] + rest
    reaches[path] = best
    return best


ALL = [direction, known_libraries, heavy_headers]
