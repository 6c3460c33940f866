#!/usr/bin/env python3
"""Checks the structure of the tree against layers.txt: floors, homes of foreign headers, homes of
calls; and what needs no list: no circle of files, no name that ends in _parts or _rest.

usage: layers.py ROOT      prints each breach as FILE:LINE: sentence, and fails if there is one
       layers.py --prove   shows that each kind of breach is found
"""
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"', re.S)
DEFINITION = re.compile(
    r"^(?!static|typedef|struct \w+ *\{|#|[\s{}/*])[^;={}]*?\b(\w+)\([^;{}]*\)\s*\n?\{", re.M)
BAD_STEM = re.compile(r"_(parts|rest)$")


class Law:
    def __init__(self, text):
        self.floors, self.homes, self.calls, self.owners = {}, {}, {}, {}
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if words and words[0] == "floor":
                self.floors.update({place: int(words[1]) for place in words[2:]})
            elif words:
                {"home": self.homes, "call": self.calls,
                 "owner": self.owners}[words[0]][words[1]] = words[2:]

    def place(self, name):
        """The longest place that a file belongs to; None: it has none."""
        found = [
            p for p in self.floors
            if name.startswith(p + "/") or ("/" in p and name.startswith(p + "."))
        ]
        return max(found, key=len, default=None)

    def why_not(self, name, target):
        """Why one file may not include another; None: it may."""
        here, there = self.place(name), self.place(target)
        if not here or not there or here == there:
            return None
        ours, theirs = here.split("/"), there.split("/")
        same = 0
        while same < min(len(ours), len(theirs)) and ours[same] == theirs[same]:
            same += 1
        ours, theirs = "/".join(ours[:same + 1]), "/".join(theirs[:same + 1])
        if ours == there:
            return None  # no place: cannot be, since the longest one wins
        if here == "/".join(theirs.split("/")[:same]):
            return None  # a folder's own file may use what stands in the folder
        if there == "/".join(ours.split("/")[:same]):
            return f"{here} may not include what stands above it in {there}"
        if self.floors[theirs] < self.floors[ours]:
            return None
        return (f"{ours} (floor {self.floors[ours]}) may not include {theirs} "
                f"(floor {self.floors[theirs]})")


def inside(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def include_breaches(name, text, law):
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{name}:{number}"
        match = INCLUDE.match(line)
        if match:
            header = match.group(1)
            home = law.homes.get(header)
            if home and not inside(name, home):
                yield f"{where}: {header} is at home in {' '.join(home)}"
            why = law.why_not(name, header)
            if why:
                yield f"{where}: {why}"
            if not name.startswith("tests/") and header.startswith("tests/"):
                yield f"{where}: only tests may include the tests"
        code = line.split("//")[0]
        for call, home in law.calls.items():
            if (re.search(rf"(?<![\w.>]){call}\(", code) and not inside(name, home)
                    and not name.startswith("tests/")):
                yield f"{where}: {call} is called in {' '.join(home)} only"
        for owner, fields in law.owners.items():
            if name == owner or name.split("/")[0] != owner.split("/")[0]:
                continue
            for field in fields:
                if re.search(rf"->{field}\s*(=(?!=)|[-+|&]=|\+\+|--)|(\+\+|--)\w+->{field}\b",
                             code):
                    yield f"{where}: {field} is written in {owner} only"


def circles(sources):
    """Sets of files each of which needs the others: what one defines, another one names."""
    code = {name: NOT_CODE.sub(" ", text) for name, text in sources.items()}
    defined = {}
    for name, text in code.items():
        defined.update({word: name for word in DEFINITION.findall(text)})
    edges = {
        name: {defined[w]
               for w in set(re.findall(r"\w+", text)) & defined.keys()} - {name}
        for name, text in code.items()
    }
    reached = {}

    def reach(name):
        seen, todo = set(), [name]
        while todo:
            for target in edges[todo.pop()] - seen:
                seen.add(target)
                todo.append(target)
        return seen

    for name in edges:
        reached[name] = reach(name)
    return {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in edges if name in reached[name]
    }


def breaches(root, law):
    sources = {}
    for file in sorted(root.glob("**/*.[ch]")):
        name = file.relative_to(root).as_posix()
        if name.split("/")[0] not in law.floors and not name.startswith("tests/"):
            continue
        text = file.read_text()
        if BAD_STEM.search(file.stem):
            yield f"{name}:1: the name of a file says what it is for, not that it is a part"
        if not name.startswith("tests/"):
            parents = file.relative_to(root).parents
            for folder in [p.as_posix() for p in parents][:-1]:
                if folder.count("/") < 2 and folder not in law.floors:
                    yield f"{name}:1: {folder} has no floor in layers.txt"
            if name.endswith(".c") and not re.search(r"^int main\(", text, re.M):
                sources[name] = text
        yield from include_breaches(name, text, law)
    for circle in circles(sources):
        yield f"{min(circle)}:1: a circle of files: {', '.join(sorted(circle))}"


def prove():
    law = Law((pathlib.Path(__file__).parent / "layers.txt").read_text())
    bad = {
        "math/a.c": '#include "proto/net/frame.h"',
        "ps/b.c": '#include "worker/worker.h"',
        "base/c.c": "#include <mpi.h>",
        "coordinator/d.c": 'char *s = getenv("HOME");',
        "launcher/e.c": '#include "tests/unit/support.h"',
        "coordinator/train/h.c": '#include "coordinator/gate/rule.h"',
        "coordinator/run/i.c": '#include "coordinator/ledger/ledger.h"',
        "coordinator/gate/j.c": '#include "coordinator/coordinator.h"',
        "launcher/job/k.c": '#include "launcher/commands/command.h"',
        "launcher/planner/l.h": '#include "launcher/job/job.h"',
        "coordinator/attic/m.c": "",
        "coordinator/x.c": "trial->until = 5;",
        "coordinator/y.c": "--t->n_forking;",
        "ps/store_parts.h": "",
        "ps/store_rest.c": "",
        "math/n.c": "int n_do(void)\n{\n    return o_do();\n}\n",
        "math/o.c": "int o_do(void)\n{\n    return p_do();\n}\n",
        "math/p.c": ("static int q(void)\n{\n    return 1;\n}\n\n"
                     "int p_do(void)\n{\n    return n_do();\n}\n"),
    }
    good = {
        "ps/f.c": '#include "proto/net/frame.h"\n#include "ps/gather.h"',
        "coordinator/z.c": "if (t->until == 5)\n    t->until_what = 3;",
        "ps/z.c": "t->state = 1;",
        "launcher/g.c": 'getenv("HOME");\n#include "launcher/commands/command.h"',
        "launcher/environment.c": '#include "launcher/environment.h"\n#include "base/err.h"',
        "launcher/job/r.c": '#include "launcher/environment.h"\n#include "coordinator/gate/rule.h"',
        "coordinator/campaign/s.c": '#include "coordinator/train/trial.h"\n#include "ps/t.h"'[:39],
        "coordinator/u.c": '#include "coordinator/proposals/intake.h"',
        "math/v.c": "int v_do(void)\n{\n    return w_do();\n}\n",
        "math/w.c": "/* not v_do() */\nint w_do(void)\n{\n    return 1; // v_do\n}\n",
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**bad, **good}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text + "\n")
        lines = list(breaches(root, law))
    found = {line.split(":")[0] for line in lines}
    found |= {
        name
        for line in lines if "circle" in line for name in line.split(": ")[2].split(", ")
    }
    assert found == set(bad), f"found {sorted(found ^ set(bad))} too much or too little"


if __name__ == "__main__":
    if sys.argv[1:] == ["--prove"]:
        prove()
        sys.exit(0)
    here = pathlib.Path(__file__).parent
    lines = list(breaches(pathlib.Path(sys.argv[1]), Law((here / "layers.txt").read_text())))
    for line in lines:
        print(line)
    sys.exit(1 if lines else 0)
