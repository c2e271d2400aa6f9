"""The names of the metrics that the services tell, as their sources have them."""
import functools
import re

from rendering import ROOT

DECLARED = re.compile(r'Add(Counter|Gauge|Histogram)\(\s*"(penstock_\w+)"')
# A name handed on to a function that declares it, such as one counter for each label.
HANDED_ON = re.compile(r'"(penstock_[a-z0-9_]+)"')
HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")


@functools.cache
def told_names():
    names = set()
    for folder in ("libs", "services"):
        for source in (ROOT / folder).rglob("*.cc"):
            if source.name.endswith("_test.cc"):
                continue
            text = source.read_text()
            names.update(HANDED_ON.findall(text))
            for kind, name in DECLARED.findall(text):
                if kind == "Histogram":
                    names.update(name + suffix for suffix in HISTOGRAM_SUFFIXES)
    return names


def names_in(expression):
    """The metrics that an expression of PromQL asks for."""
    return set(re.findall(r"\b((?:penstock|kubelet|requests)_\w+)\b", expression))
