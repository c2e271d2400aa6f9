"""A JSON schema of Penstock's configuration, from deploy/config/SETTINGS.md.

Absent and null are the same in the configuration. What depends on several settings is checked by the programs.
"""
import re

ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \| (.*) \|$")
SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def number(text):
    """A bound as the table writes it, in bytes where it is a size; None for a duration."""
    size = re.fullmatch(r"(\d+)(KiB|MiB|GiB|TiB)", text)
    if size:
        return int(size[1]) * SIZES[size[2]]
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return None


def bounds(text):
    """{"minimum": …, "maximum": …} of "0 to 256" or "at least 1MiB"."""
    low, high = None, None
    if text.startswith("at least "):
        low = number(text.removeprefix("at least "))
    elif " to " in text:
        low, high = (number(part) for part in text.split(" to "))
    found = {"minimum": low, "maximum": high}
    return {key: bound for key, bound in found.items() if bound is not None}


def leaf(kind, allowed):
    kind = kind.strip().split(",")[0]
    if kind == "bool":
        return {"type": ["boolean", "null"]}
    if kind in ("integer", "number"):
        return {"type": [kind, "null"], **bounds(allowed.strip())}
    if kind == "duration":
        return {"type": ["string", "null"], "pattern": r"^(0|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+)$"}
    if kind == "size":
        return {"type": ["integer", "string", "null"], "pattern": "^[0-9]+(B|[KMGT]i?B)?$", **bounds(allowed.strip())}
    if kind == "map":
        return {"type": ["object", "null"]}
    return {"type": ["string", "null"]}


def closed(node):
    node["type"] = ["object", "null"]
    node["additionalProperties"] = False
    node.setdefault("properties", {})
    return node


def place(root, path, value, required):
    """Puts the schema of one setting at its place."""
    node = root
    parts = path.split(".")
    for i, part in enumerate(parts):
        name, is_list = part.removesuffix("[]"), part.endswith("[]")
        last = i + 1 == len(parts)
        properties = closed(node)["properties"]
        if last and required:
            node.setdefault("required", []).append(name)
        entry = properties.setdefault(name, {"type": ["array", "null"], "items": {}} if is_list else {})
        if last and not is_list:
            entry.update(value)
        elif last:
            entry["items"].update(value)
        node = entry["items"] if is_list else entry


def settings_schema(markdown):
    root = {}
    rows = [match.groups() for match in map(ROW.match, markdown.splitlines()) if match]
    if not rows:
        raise ValueError("SETTINGS.md: found no row of a setting")
    for path, kind, default, allowed, _ in rows:
        place(root, path, leaf(kind, allowed), default.strip() == "required")
    return root
