#!/usr/bin/env python3
"""Checks the structure of a source tree: check.py includes|house [ROOT].

Prints one line for each offence, by path. Exit status: 0 none, 1 some, 2 wrong arguments.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True

import house_rules  # noqa: E402
import include_rules  # noqa: E402
from tree import Tree  # noqa: E402

RULES = {"includes": include_rules.ALL, "house": house_rules.ALL}


def main(arguments):
    if not 1 <= len(arguments) <= 2 or arguments[0] not in RULES:
        print(__doc__, file=sys.stderr)
        return 2
    root = arguments[1] if len(arguments) == 2 else Path(__file__).resolve().parents[2]
    tree = Tree(root)
    if not tree.cxx():
        print(f"{root}: found no source below libs, services and tests", file=sys.stderr)
        return 2
    offences = sorted(offence for rule in RULES[arguments[0]] for offence in rule(tree))
    for offence in offences:
        print(offence)
    print(f"{len(offences)} offences in {len(tree.paths)} files")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
