#!/usr/bin/env python3
"""Checks floors, homes of foreign headers and homes of calls against layers.txt.

usage: layers.py ROOT      prints each breach as FILE:LINE: sentence, and fails if there is one
       layers.py --prove   shows that each kind of breach is found
"""
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def read_law(text):
    floors, homes, calls = {}, {}, {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "floor":
            floors.update({folder: int(words[1]) for folder in words[2:]})
        else:
            {"home": homes, "call": calls}[words[0]][words[1]] = words[2:]
    return floors, homes, calls


def inside(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def breaches(root, law):
    floors, homes, calls = law
    for file in sorted(root.glob("**/*.[ch]")):
        name = file.relative_to(root).as_posix()
        top = name.split("/")[0]
        if top not in floors and top != "tests":
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            where = f"{name}:{number}"
            match = INCLUDE.match(line)
            if match:
                header = match.group(1)
                home = homes.get(header)
                if home and not inside(name, home):
                    yield f"{where}: {header} is at home in {' '.join(home)}"
                target = header.split("/")[0]
                if top in floors and target in floors and target != top and floors[
                        target] >= floors[top]:
                    yield (f"{where}: {top} (floor {floors[top]}) may not include {target} "
                           f"(floor {floors[target]})")
                if top != "tests" and target == "tests":
                    yield f"{where}: {top} may not include the tests"
            code = line.split("//")[0]
            for call, home in calls.items():
                if re.search(rf"(?<![\w.>]){call}\(",
                             code) and not inside(name, home) and top != "tests":
                    yield f"{where}: {call} is called in {' '.join(home)} only"


def prove():
    law = read_law((pathlib.Path(__file__).parent / "layers.txt").read_text())
    bad = {
        "math/a.c": '#include "proto/net/frame.h"', "ps/b.c": '#include "worker/worker.h"',
        "base/c.c": "#include <mpi.h>", "coordinator/d.c": 'char *s = getenv("HOME");',
        "launcher/e.c": '#include "tests/unit/support.h"'
    }
    good = {
        "ps/f.c": '#include "proto/net/frame.h"\n#include "ps/gather.h"',
        "launcher/g.c": 'getenv("HOME");'
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**bad, **good}.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text + "\n")
        found = {line.split(":")[0] for line in breaches(root, law)}
    assert found == set(bad), f"found {sorted(found)}, expected {sorted(bad)}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--prove"]:
        prove()
        sys.exit(0)
    here = pathlib.Path(__file__).parent
    found = list(breaches(pathlib.Path(sys.argv[1]), read_law((here / "layers.txt").read_text())))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)
