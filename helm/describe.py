#!/usr/bin/env python3
"""Makes the chart's values.schema.json and README.md from values.yaml and deploy/config/SETTINGS.md.

    helm/describe.py           writes both
    helm/describe.py --check   writes nothing; status 1, with the files' names, if one would change

The meaning of a value is the comment above it in values.yaml; its type is that of its default, and shapes.py says
what a default cannot.
"""
import json
import pathlib
import re
import sys

import yaml

import shapes
from settings_schema import settings_schema

CHART = pathlib.Path(__file__).resolve().parent / "penstock"
SETTINGS = CHART.parent.parent / "deploy/config/SETTINGS.md"
COMPONENTS = ("dispatcher", "sessionState", "memoryRecall", "providerAdapter", "standalone")


def comments_of(text):
    """The comment above each key of a YAML text in block style, by path."""
    found, stack, comment = {}, [], []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# "):
            comment.append(stripped[2:])
            continue
        key = re.match(r"( *)([A-Za-z]\w*):", line)
        if key:
            depth = len(key[1]) // 2
            stack[depth:] = [key[2]]
            if comment:
                found[".".join(stack)] = " ".join(comment)
        comment = []
    return found


def is_leaf(path, value):
    return not isinstance(value, dict) or not value or shapes.of(path) is not None


def leaves(values, path=""):
    for key, value in values.items():
        inner = f"{path}.{key}" if path else key
        if is_leaf(inner, value):
            yield inner, value
        else:
            yield from leaves(value, inner)


def schema_of(path, value):
    shape = shapes.of(path)
    if shape is not None:
        return shape
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer", "minimum": 0}
    if isinstance(value, float):
        return {"type": "number", "minimum": 0}
    if isinstance(value, str):
        return {"type": "string"}
    if isinstance(value, list):
        return {"type": "array"}
    if not value:
        return {"type": "object"}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: schema_of(f"{path}.{key}".lstrip("."), inner) for key, inner in value.items()},
    }


def schema(values):
    result = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart penstock"}
    result.update(schema_of("", values))
    # Helm hands every chart these two.
    result["properties"]["global"] = {"type": "object"}
    result["properties"]["config"] = settings_schema(SETTINGS.read_text())
    return json.dumps(result, indent=1, ensure_ascii=False) + "\n"


def meaning_of(path, comments):
    section, _, rest = path.partition(".")
    if section in COMPONENTS and path not in comments:
        rest = rest or section
        if f"dispatcher.{rest}" in comments:
            return comments[f"dispatcher.{rest}"]
        return comments.get(f"gateway.{rest}", "")
    return comments.get(path, "")


def cell(text):
    return text.replace("|", "\\|")


def table(rows, comments):
    yield "| Value | Default | Meaning |"
    yield "|---|---|---|"
    for path, default in rows:
        shown = json.dumps(default, ensure_ascii=False)
        yield f"| `{path}` | `{cell(shown)}` | {cell(meaning_of(path, comments))} |"


def readme(values, comments):
    sections = {}
    for path, default in leaves(values):
        section = path.partition(".")[0]
        sections.setdefault(section if isinstance(values[section], dict) and values[section] else "", []).append(
            (path, default))
    text = [(CHART / "README.head.md").read_text().rstrip(), "", "## All values", ""]
    text += table(sections.pop("", []), comments)
    for section, rows in sections.items():
        text += ["", f"### `{section}`", ""]
        if section in comments:
            text += [comments[section], ""]
        text += table(rows, comments)
    return "\n".join(text) + "\n"


def main():
    source = (CHART / "values.yaml").read_text()
    values = yaml.safe_load(source)
    shapes.check(values)
    made = {"values.schema.json": schema(values), "README.md": readme(values, comments_of(source))}
    stale = [name for name, text in made.items()
             if not (CHART / name).exists() or (CHART / name).read_text() != text]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"helm/penstock/{name} is not what helm/describe.py makes; run it", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (CHART / name).write_text(made[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
