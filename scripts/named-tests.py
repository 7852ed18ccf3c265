"""Fails where a document names a test, or a file, that is not there.

A name in backticks of three words or more joined by `_` is a test: a function of Rust, or one of a table `tests` of Lua.
"""

import re
import subprocess
import sys
from pathlib import Path

files = subprocess.check_output(["git", "ls-files", "--cached", "--others", "--exclude-standard"], text=True).split()
defined = set()
for file in files:
    if file.endswith((".rs", ".lua")) and Path(file).exists():
        defined.update(re.findall(r"(?:\bfn |\btests\.)(\w+)", Path(file).read_text(encoding="utf-8")))

names = missing = 0
for document in sys.argv[1:]:
    for name in re.findall(r"`([^`\s]+)`", Path(document).read_text(encoding="utf-8")):
        is_test = re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+){2,}", name)
        is_file = re.fullmatch(r"(crates|lambdas)/[\w/-]+\.(rs|lua)", name)
        names += bool(is_test or is_file)
        if (is_test and name not in defined) or (is_file and name not in files):
            missing += 1
            print(f"{document} names {name}, which is not there", file=sys.stderr)
if not names:
    print(f"no test is named in {', '.join(sys.argv[1:])}", file=sys.stderr)
sys.exit(bool(missing) or not names)
