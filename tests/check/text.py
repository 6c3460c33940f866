#!/usr/bin/env python3
"""Checks how the files of the tree are written: lines of at most 100 columns (code, comments,
scripts, READMEs; tables, code blocks and links in READMEs aside), C files of at most 600 lines.

usage: text.py ROOT      prints each breach as FILE:LINE: sentence, and fails if there is one
       text.py --prove   shows that each kind of breach is found
"""
import pathlib
import re
import sys
import tempfile

COLUMNS, LINES = 100, 600
FOLDERS = ("base", "cmake", "coordinator", "examples", "launcher", "math", "proto", "ps", "tests",
           "worker", ".ci")
KINDS = {".c", ".h", ".proto", ".py", ".sh", ".txt", ".cmake", ".yaml", ".md", ""}


def files(root):
    yield from (f for f in root.glob("*") if f.is_file())
    for folder in FOLDERS:
        yield from (f for f in (root / folder).glob("**/*") if f.is_file())


def breaches(root):
    for file in sorted(files(root)):
        name = file.relative_to(root).as_posix()
        if file.suffix not in KINDS or file.name.startswith(".git") or "__pycache__" in name:
            continue
        lines = file.read_text().splitlines()
        in_block = False
        for number, line in enumerate(lines, 1):
            in_block ^= file.suffix == ".md" and line.startswith("```")
            is_table = file.suffix == ".md" and (line.startswith("|") or re.match(r" *\S+$", line))
            if len(line) > COLUMNS and not is_table and not in_block:
                yield f"{name}:{number}: found {len(line)} columns, expected at most {COLUMNS}"
        if file.suffix in (".c", ".h") and len(lines) > LINES:
            yield f"{name}:{len(lines)}: found {len(lines)} lines, expected at most {LINES}"


def prove():
    long, right = "x " * 50 + "x", "x " * 49 + "xx"
    bad = {
        "base/a.c": "// " + long,
        "proto/b.proto": "// " + long,
        "tests/c.py": "# " + long,
        "README.md": long,
        "launcher/d": "# " + long,
        "ps/e.h": "\n" * 601
    }
    good = {
        "base/f.c": right,
        "worker/README.md": "| " + long + " |\n```\n" + long + "\n```",
        "tests/g.json": long,
        "ps/h.c": "\n" * 600
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**bad, **good}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = {line.split(":")[0] for line in breaches(root)}
    assert found == set(bad), f"found {sorted(found ^ set(bad))} too much or too little"


if __name__ == "__main__":
    if sys.argv[1:] == ["--prove"]:
        prove()
        sys.exit(0)
    found = list(breaches(pathlib.Path(sys.argv[1])))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)
