#!/usr/bin/env python3
"""Tells files of a crate that import each other, directly or by a detour, and fails if there are any.

    scripts/import-circles.py [FOLDER…]

A folder is a crate's `src` or one like it; without any: those of the workspace. Counted are `use crate::…`, `use self::…`
and `use super::…` outside of `#[cfg(test)]`; what a file only passes on (`pub use`) is not. Nor is a
module that calls into the files of its own folder (`child::function`): these may import from it.
"""

import re
import sys
from pathlib import Path

IMPORT = re.compile(r"^[ \t]*use ((?:crate|self|super)\b[^;]*);", re.M)


def expand(text):
    """The paths of a use-tree, such as a::{b, c::d}."""
    text = "".join(text.split())
    if "{" not in text:
        return [text]
    head, rest = text.split("{", 1)
    parts, depth, part = [], 0, ""
    for letter in rest[:-1]:
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            parts, part = [*parts, part], ""
        else:
            part += letter
    return [path for part in [*parts, part] if part for path in expand(head + part)]


def modules(root):
    """Path of a module, as a tuple of names → its file."""
    found = {}
    for file in sorted(root.rglob("*.rs")):
        names = file.relative_to(root).with_suffix("").parts
        if names[-1] in ("mod", "lib", "main"):
            names = names[:-1]
        found.setdefault(tuple(names), file)
    return found


def imports(names, file, known):
    text = re.split(r"^#\[cfg\(test\)\]\s*(?:pub(?:\(crate\))? )?mod \w+ \{", file.read_text(), flags=re.M)[0]
    for tree in IMPORT.findall(text):
        for path in expand(tree):
            parts = path.split("::")
            at = list(names)
            while parts and parts[0] in ("crate", "self", "super"):
                first = parts.pop(0)
                at = [] if first == "crate" else at[:-1] if first == "super" else at
            target = tuple(at + parts)
            while target not in known and target:
                target = target[:-1]
            # What stands in the crate's root is passed on from elsewhere.
            if target and target != names:
                yield target


def circles(graph):
    """The strongly connected components with more than one file (Tarjan)."""
    index, low, stack, on, out = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in on:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            together = []
            while not together or together[-1] != node:
                together.append(stack.pop())
                on.discard(together[-1])
            if len(together) > 1:
                out.append(sorted(together))

    for node in graph:
        if node not in index:
            visit(node)
    return out


def main():
    folders = [Path(name) for name in sys.argv[1:]] or sorted(Path().glob("crates/*/src")) + sorted(Path("lambdas").glob("*"))
    count = 0
    for folder in folders:
        known = modules(folder) if folder.is_dir() else {}
        is_test = {names for names, file in known.items() if "tests" in names or file.name == "tests.rs"}
        graph = {
            names: set(imports(names, file, known)) - is_test for names, file in known.items() if names not in is_test
        }
        for circle in circles(graph):
            count += 1
            print(f"import circle in {folder}: " + ", ".join("::".join(names) or "the root" for names in circle))
    return 1 if count else 0


sys.exit(main())
