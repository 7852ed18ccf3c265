"""Reads cargo's messages (--message-format json) and fails where one crate was compiled in two ways.

That doubles the time of a build: a dependency of a build script or macro, and one of the program, or of two programs,
whose features or profile differ. Test harnesses are not counted: a library and its own tests are two programs.
"""

import json
import sys
from collections import defaultdict

forms = defaultdict(set)
for line in sys.stdin:
    if not line.startswith("{"):
        continue
    message = json.loads(line)
    if message["reason"] != "compiler-artifact" or message["profile"]["test"]:
        continue
    target, profile = message["target"], message["profile"]
    form = (tuple(sorted(message["features"])), *(str(profile[name]) for name in ("opt_level", "debuginfo")))
    forms[message["package_id"], target["name"], tuple(target["kind"])].add((form, tuple(message["filenames"])))

twice = {crate: found for crate, found in forms.items() if len(found) > 1}
for (package, name, kind), found in sorted(twice.items()):
    print(f"{package.rsplit('/', 1)[-1]} ({', '.join(kind)}) is compiled {len(found)} times:", file=sys.stderr)
    for (features, opt_level, debug), _ in sorted(found):
        print(f"    opt-level {opt_level}, debug {debug}, features {', '.join(features)}", file=sys.stderr)
print(f"test: {len(forms)} crates, {len(twice)} of them compiled twice", file=sys.stderr)
sys.exit(bool(twice))
