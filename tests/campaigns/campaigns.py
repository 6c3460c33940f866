"""What the campaigns share: texts, configurations, runs, what their ledgers say, the statistics of
the tables."""
import concurrent.futures
import glob
import json
import math
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
STEP_TOKENS = 16 * 64
BASE = {
    "model": {
        "arch": "llama", "layers": 2, "heads": 4, "width": 64, "context": 64, "vocab": 256,
        "tied": True
    },
    "train": {"batch": 16, "microbatch": 8},
    "optimizer": {"lr": 4e-3, "beta2": 0.99},
    "schedule": {"warmup": 50, "min_lr": 1e-5},
    "eval": {"every": 200, "samples": 256},
    "checkpoint": {"every": 200},
}
CODE = ["/usr/include/linux", "/usr/include/asm-generic", "/usr/include/*.h"]
PROSE = ["/usr/share/common-licenses", "/usr/share/doc/*/copyright"]
END = ("promote", "reject", "inconclusive")


def merged(*trees):
    """Mappings laid over each other."""
    out = {}
    for tree in trees:
        for key, value in tree.items():
            out[key] = merged(out.get(key, {}), value) if isinstance(value, dict) else value
    return out


class Bench:
    """A folder of texts and runs, and how many runs go on at a time."""
    def __init__(self, out, jobs, seeds, steps=0, arms=()):
        self.out, self.jobs, self.seeds, self.steps = os.path.abspath(out), jobs, seeds, steps
        self.arms = arms  # of a campaign that can run some of them alone; none: all
        self.program = os.path.abspath(os.environ["TRIREME"])
        os.makedirs(os.path.join(self.out, "data"), exist_ok=True)
        os.makedirs(os.path.join(self.out, "runs"), exist_ok=True)

    def steps_of(self, steps):
        """Steps of a run; a trial of the scripts has its own."""
        return self.steps or steps

    def seeds_of(self, seeds):
        return seeds[:self.seeds or None]

    def call(self, *words, check=True):
        done = subprocess.run([self.program] + [str(w) for w in words],
                              capture_output=True,
                              text=True,
                              stdin=subprocess.DEVNULL)
        if check and done.returncode:
            sys.exit("trireme %s: exit code %d\n%s" %
                     (" ".join(map(str, words)), done.returncode, done.stderr[-2000:]))
        return done

    def json(self, *words):
        return json.loads(self.call(*words, "--json").stdout)

    def text(self, name, paths):
        """A prepared folder of that name; made once."""
        folder = os.path.join(self.out, "data", name)
        if not os.path.exists(os.path.join(folder, "data.yaml")):
            found = [path for pattern in paths for path in sorted(glob.glob(pattern))]
            with open(folder + ".json", "w") as f:
                f.write(self.call("data", "prepare", *found, "--out", folder, "--json").stdout)
        return folder

    def code(self):
        return self.text("code", CODE)

    def prose(self):
        return self.text("prose", PROSE)

    def code_and_prose(self):
        return self.text("text", CODE + PROSE)

    def noise(self):
        """Random bytes: 480 documents of 16384 bytes from a generator with a fixed seed."""
        folder = os.path.join(self.out, "data", "noise-documents")
        if not os.path.exists(folder):
            os.makedirs(folder)
            generator = random.Random(20240229)
            for i in range(480):
                with open(os.path.join(folder, "%03d" % i), "wb") as f:
                    f.write(generator.randbytes(16384))
        return self.text("noise", [folder])

    def texts(self):
        return [{"name": "code", "path": self.code()}, {"name": "prose", "path": self.prose()}]

    def run(self, name):
        return os.path.join(self.out, "runs", name)

    def is_whole(self, name):
        """Whether a run has all its steps: how many follows from what its experiments spent."""
        try:
            with open(os.path.join(self.run(name), "status.json")) as f:
                return json.load(f)["code"] == 0
        except FileNotFoundError:
            return False

    def words(self, name, config):
        """The command line that trains this configuration as the run `name`."""
        path = self.run(name) + ".json"
        if self.program == os.path.abspath(os.environ["TRIREME"]):  # no run learns from another
            config = merged({"experiment": {"notes": ""}}, config)
        with open(path, "w") as f:
            json.dump(config, f, indent=1)
        return ["train", path, "--out", self.run(name), "--workers", 1, "--servers", 1]

    def train(self, name, config):
        if not self.is_whole(name):
            self.call(*self.words(name, config))
            print("ran %s" % name, file=sys.stderr, flush=True)

    def train_all(self, configs):
        """configs: name -> configuration; as many at a time as there are jobs."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(lambda item: self.train(*item), configs.items()))

    def each(self, function, items):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(function, items))

    def hash(self, name):
        return self.json("ckpt", "hash", self.run(name))["hash"]

    def sealed(self, name):
        """The loss on the sealed part; of a trial of the scripts that on dev, which is short. It is
        kept beside the run, by the hash of its weights."""
        part = "dev" if self.steps else "sealed"
        kept, weights = self.run(name) + "." + part, self.hash(name)
        if os.path.exists(kept):
            with open(kept) as f:
                found = json.load(f)
            if found["hash"] == weights:
                return found["val_loss"]
        loss = self.json("eval", self.run(name), "--part", part)["val_loss"]
        with open(kept + ".new", "w") as f:
            json.dump({"hash": weights, "val_loss": loss}, f)
        os.rename(kept + ".new", kept)
        return loss

    def write(self, name, result):
        """Writes results/NAME.json (of a trial: into the folder of the runs), with what the numbers
        hang on."""
        commit = subprocess.run(
            ["git", "-C",
             os.environ.get("TRIREME_SOURCE", HERE), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True).stdout.strip()
        data = {}
        for path in sorted(glob.glob(os.path.join(self.out, "data", "*.json"))):
            with open(path) as f:
                made = json.load(f)
            data[made["name"]] = {
                key: made[key]
                for key in ("documents", "bytes", "train", "gate", "sealed")
            }
        text = by_lines({"commit": commit, "data": data, **result})
        for path, word in ((self.out, "OUT"), (ROOT, "ROOT"), (sys.executable, "python3")):
            text = text.replace(path, word)
        results = self.out if self.steps else os.path.join(HERE, "results")
        with open(os.path.join(results, name + ".json"), "w") as f:
            f.write(text)


def by_lines(result):
    """JSON of an object: a line a key, and of what is a list or an object a line an element."""
    lines = []
    for key, value in result.items():
        many = isinstance(value, (list, dict)) and value
        rows = [json.dumps(v) for v in value] if isinstance(
            value, list) else ["%s: %s" % (json.dumps(k), json.dumps(v))
                               for k, v in value.items()] if many else []
        begin, end = "[]" if isinstance(value, list) else "{}"
        text = begin + "\n  " + ",\n  ".join(rows) + "\n " + end if many else json.dumps(value)
        lines.append(" %s: %s" % (json.dumps(key), text))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def records(run):
    """The ledger's records that still hold; none where nothing was proposed."""
    if not os.path.exists(os.path.join(run, "ledger.jsonl")):
        return []
    with open(os.path.join(run, "ledger.jsonl")) as f:
        found = [json.loads(line) for line in f]
    for record in found:
        if "supersedes" in record:
            gone = range(record["supersedes"], record["seq"])
            found = [r for r in found if r["seq"] not in gone]
    return found


def hypotheses(run):
    """What the ledger says of each proposal: patch, reason of a refusal, plan, gains, verdict,
    confirmation, tokens."""
    by_number = {}
    for r in records(run):
        kind, h = r["kind"], by_number.get(r.get("number"))
        if kind == "proposal":
            p = r["proposal"]
            by_number[r["number"]] = {
                "number": r["number"], "id": p.get("id"), "patch": p["patch"], "tokens": 0,
                "outcome": "refused", "gains": [], "variances": [], "reverse": []
            }
        elif h is None:
            continue
        elif kind == "validation":
            h["outcome"] = "legal" if r["validation"]["accepted"] else "refused"
            h["reason"] = r["validation"].get("reason")
        elif kind == "hypothesis":
            if r["plan"].get("reverse"):
                h["reverse_plan"] = r["plan"]
            else:
                h["outcome"], h["plan"] = "open", r["plan"]
        elif kind == "observation":
            o = r["observation"]
            h["tokens"] += o["tokens"]
            gain = o["trunk_loss"] - o["fork_loss"]
            if h["outcome"] in ("legal", "open"):
                h["gains"].append(gain)
                h["variances"].append(o["window_variance"])
            else:
                h["reverse"].append(-gain)
        elif kind == "verdict" and r["judgement"]["outcome"] != "open":
            j = r["judgement"]
            if j["outcome"] in END:
                h["outcome"], h["closed_at"] = j["outcome"], r["step"]
                h["reason"] = j.get("reason")
                h["mean"], h["t"] = j.get("mean"), j.get("t")
            else:
                h["confirmation"] = j
        elif kind == "promotion":
            del r["promotion"]["trial"]  # a number that counts from each launch anew
            h["promotion"] = r["promotion"]
    return list(by_number.values())


def adopted(found):
    """The changes that were adopted: patch, step, and what became of each, in order."""
    by_number = {}
    for r in found:
        number = r.get("number")
        if r["kind"] == "promotion":
            by_number[number] = {
                "number": number, "patch": r["promotion"]["patch"], "step": r["step"], "became": []
            }
        elif r["kind"] == "verdict" and number in by_number:
            outcome = r["judgement"]["outcome"].replace("_", " ")
            if outcome in ("kept", "taken back"):
                by_number[number]["became"].append(outcome)
        elif r["kind"] == "claim" and r["claim"]["answer"] != "open":
            by_number[number]["became"].append(r["claim"]["answer"])
    return list(by_number.values())


def same(found, expected):
    """Whether two ledgers tell of the same; mean and t of a hypothesis that was closed for another
    reason are not in older ones."""
    for a, b in zip(found, expected):
        for key in ("mean", "t"):
            if a.get(key) is None or b.get(key) is None:
                a[key] = b[key] = None
    return found == expected


def mean(x):
    return sum(x) / len(x)


def sd(x):
    return math.sqrt(sum(
        (v - mean(x))**2 for v in x) / (len(x) - 1)) if len(x) > 1 else float("nan")


def t_tail(t, nu):
    """Upper tail of Student's t, exact for whole nu."""
    th = math.atan(t / math.sqrt(nu))
    s, c = math.sin(th), math.cos(th)
    if nu % 2 == 0:
        term = a = s
        for k in range(2, nu - 1, 2):
            term *= c * c * (k - 1) / k
            a += term
    else:
        term, a = s * c, th
        if nu > 1:
            a += term
        for k in range(3, nu - 1, 2):
            term *= c * c * (k - 1) / k
            a += term
        a *= 2 / math.pi
    return (1 - a) / 2


def t_critical(nu, tail=0.025):
    low, high = 0.0, 1e4
    for _ in range(200):
        mid = (low + high) / 2
        low, high = (mid, high) if t_tail(mid, nu) > tail else (low, mid)
    return high


def interval(x):
    """Half of the 95 % t interval of the mean."""
    return t_critical(len(x) - 1) * sd(x) / math.sqrt(len(x))


def sign_flip(x):
    """Exact two-sided p of the mean under flips of the signs."""
    n, limit = len(x), abs(sum(x)) * (1 - 1e-12)
    sums = [sum(v if bits >> i & 1 else -v for i, v in enumerate(x)) for bits in range(2**n)]
    return sum(abs(v) >= limit for v in sums) / 2**n


def holm(p):
    """Holm's correction of p values, in their order."""
    out, least = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - rank) * p[i]))
        out[i] = least
    return out


def table(head, rows):
    """A Markdown table."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()
