"""Runs in which changes are tried beside the training: what the tests of campaigns, people,
planners and the ledger share."""
import json
import os
import re
import signal
import stat

from trireme import TOKEN, Case, environment_of, wait_for

STEPS = 800  # asked for; what experiments spend, the trunk does not train
STEP_TOKENS = 8 * 32
# Steps of a millisecond or two. The rate is far too low: raising it is adopted and kept. So short a
# run affords some stretches only if they may cost a good part of it.
CONFIG = {
    "model": {
        "arch": "llama", "layers": 1, "heads": 2, "width": 32, "context": 32, "vocab": 256,
        "tied": True
    },
    "data": {
        "sources": [{"name": "a", "path": "a", "weight": 0.6},
                    {"name": "b", "path": "b", "weight": 0.4}]
    },
    "train": {"steps": STEPS, "batch": 8, "microbatch": 4, "seed": 4},
    "optimizer": {"lr": 3e-4},
    "schedule": {"warmup": 10, "min_lr": 1e-5},
    "eval": {"every": 50, "samples": 16},
    "checkpoint": {"every": 50, "keep": 3},
    "gate": {"share": 0.4, "stake": 0.4, "claims": "all"},
}


class Experiments(Case):
    """A folder with two prepared texts, large enough for all parts, and run.yaml."""
    def make(self):
        for seed, name in enumerate("ab", 1):
            self.write_data(name, seed, 300000, "--val", 0.3)
        self.write_config(base=CONFIG)

    def setUp(self):
        super().setUp()
        self.once(self.make)

    def tearDown(self):
        for pid in [pid for call in self.calls for pid in self.planners(call)]:
            os.kill(pid, signal.SIGKILL)
        super().tearDown()

    def train(self, run, *more, workers=2, servers=1, **options):
        """Begins a training of run.yaml."""
        line = ["train", "run.yaml", "--out", run, "--workers", workers, "--servers", servers]
        return self.begin(*line, *more, **options)

    def trained(self, run, *more, **options):
        """Trains it to its end."""
        call = self.train(run, *more, **options)
        done = call.end()
        self.assertEqual(done.code, 0, done)
        self.assert_no_planners(call)
        return done

    def stop(self, call):
        """Interrupts a training, which must end as one that was asked to."""
        call.process.send_signal(signal.SIGINT)
        done = call.end()
        self.assertEqual(done.code, 85, done)
        return done

    def write_program(self, name, text):
        """A planner's program, in a folder of its own; Python where it does not say otherwise."""
        os.makedirs(self.path("programs"), exist_ok=True)
        name = os.path.join("programs", name)
        self.write(name, text if text.startswith("#!") else "#!/usr/bin/env python3\n" + text)
        os.chmod(self.path(name), os.stat(self.path(name)).st_mode | stat.S_IXUSR)
        return "./" + name

    def freeze(self, call, rank=2):
        """Stops a rank (of 1 + 1 + 2 the first worker), so that the training stands still; thaw()
        lets it go on."""
        pid = call.rank(rank)
        os.kill(pid, signal.SIGSTOP)
        return pid

    def thaw(self, pid):
        os.kill(pid, signal.SIGCONT)

    def begin_with(self, run, *changes, why="to see what happens", more=(), options=(), workers=2):
        """Begins a training whose first step finds that proposal in the inbox."""
        words = [word for change in changes for word in ("--set", change)]
        call = self.train(run, "--max-seconds", 0.01, *options, workers=workers)
        self.assertEqual(call.end().code, 85)
        self.succeed("propose", run, *words, "--why", why, "--wait", 0, *more)
        return self.train(run, *options, workers=workers)

    def request(self, run, request, name="request"):
        """Puts a request without a seal into the inbox, as a script does; the answer's path."""
        inbox = self.path(run, "inbox")
        os.makedirs(inbox, exist_ok=True)
        self.write("request", request if isinstance(request, str) else json.dumps(request))
        os.rename(self.path("request"), os.path.join(inbox, name + ".json"))
        return os.path.join(inbox, name + ".answer.json")

    # The ledger

    def ledger(self, run, kind=None):
        """Its records; a line that is being written is passed over."""
        try:
            with open(self.path(run, "ledger.jsonl")) as f:
                lines = [json.loads(line) for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [line for line in lines if kind in (None, line["kind"])]

    def bodies(self, run):
        """The records without what may differ between two launches of the same campaign."""
        records = self.ledger(run)
        for record in records:
            del record["time"], record["prev"]
            record["by"] = re.sub(r" pid \d+", "", record["by"])
            for part in ("application", "promotion"):
                record.get(part, {}).pop("trial", None)
            record.get("application", {}).pop("pause_ms", None)
        return records

    def wait_records(self, call, run, n, kind=None):
        """Waits until the ledger has so many records of that kind, while the call trains on; all
        there are then."""
        wait_for(lambda: len(self.ledger(run, kind)) >= n or call.process.poll() is not None,
                 "%d records" % n)
        records = self.ledger(run, kind)
        if len(records) < n:
            self.fail("ended with %d records of kind %s, expected %d: %r" %
                      (len(records), kind, n, call.end()))
        return records

    def events(self, run):
        return [record["text"] for record in self.ledger(run, "event")]

    def verdicts(self, run):
        """(number, outcome, cause) of every verdict."""
        return [(r["number"], r["judgement"]["outcome"], r["judgement"]["cause"])
                for r in self.ledger(run, "verdict")]

    def claims(self, run):
        """(number, answer) of every record of a claim."""
        return [(r["number"], r["claim"]["answer"]) for r in self.ledger(run, "claim")]

    def spent(self, run):
        """Tokens that experiments cost, as the ledger has them."""
        parts = {"observation": "observation", "decision": "decision", "verdict": "judgement"}
        return sum(r[parts[r["kind"]]].get("tokens", 0) for r in self.ledger(run)
                   if r["kind"] in parts)

    def last_step(self, run):
        """Its newest checkpoint's."""
        return self.checkpoints(run)[-1]

    def assert_account(self, run, steps=STEPS, stake=0.4, share=0.4, step_tokens=STEP_TOKENS):
        """Each stretch says what had been spent by then, and how long the trunk became; those with
        hypotheses in them were within stake and share when they ended. Of runs in which nobody
        killed anything. What persons proposed is not at stake."""
        tokens, spent, since, apart, forward = steps * step_tokens, 0, 0, set(), False
        for record in self.ledger(run):
            if record["kind"] == "stretch":
                stretch = record["stretch"]
                self.assertEqual((stretch["spent"], stretch.get("since", 0)), (spent, since))
                self.assertEqual(
                    stretch["length"], record["step"] +
                    (tokens - spent - stretch["trained"]) // stretch["step_tokens"])
                apart = {
                    arm["number"]
                    for arm in stretch["arms"] if arm.get("reverse") or arm.get("person")
                }
                forward = not all(arm.get("reverse") for arm in stretch["arms"])
            elif record["kind"] == "observation":
                spent += record["observation"]["tokens"]
                since += 0 if record["number"] in apart else record["observation"]["tokens"]
            elif record["kind"] == "decision":
                spent += record["decision"]["tokens"]
                since += record["decision"]["planners"]
                self.assertLessEqual(since, stake * tokens)
                if forward:  # a watch alone may go beyond
                    self.assertLessEqual(spent, share * tokens)
            elif record["kind"] == "promotion":
                since = 0
        self.assertEqual(spent, self.spent(run))

    def assert_all_is_spent(self, run, steps=STEPS, step_tokens=STEP_TOKENS):
        """The tokens that were asked for went into the trunk and into experiments, but for what is
        less than a step."""
        trained = self.manifest(run, self.last_step(run))["tokens"]
        left = steps * step_tokens - trained - self.spent(run)
        self.assertIn(left, range(step_tokens), "trained %d, spent %d" % (trained, self.spent(run)))

    def rows(self, run):
        """`proposals ls` by number."""
        trials = json.loads(self.succeed("proposals", "ls", run, "--json").out).get("proposals", [])
        return {row["number"]: row for row in trials}

    def states(self, run):
        """What became of each proposal, in a word."""
        return {number: row["state"] for number, row in self.rows(run).items()}

    def assert_same_campaign(self, run, other):
        self.assertEqual(self.bodies(run), self.bodies(other),
                         "ledgers of %s and %s" % (run, other))
        self.assertEqual(self.last_step(run), self.last_step(other))
        self.assertEqual(self.hash_of(run), self.hash_of(other))

    # People

    def propose(self, run, *changes, why="to see what happens", more=()):
        """A proposal that must be taken; its answer."""
        words = [word for change in changes for word in ("--set", change)]
        return json.loads(self.succeed("propose", run, *words, "--why", why, "--json", *more).out)

    def propose_refused(self, parts, run, *changes):
        words = [word for change in changes for word in ("--set", change)]
        return self.refuse(2, parts, "propose", run, *words, "--why", "to see what happens")

    # Processes

    def planners(self, call):
        """Planners of a call and whatever they began: they are told nothing of the job, but that
        they are planners of it."""
        found = []
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            environment = environment_of(pid)
            if environment.get(b"PLANNER_OF") == os.fsencode(
                    call.tmp) and TOKEN.encode() not in environment:
                found.append(pid)
        return found

    def assert_no_planners(self, call):
        wait_for(lambda: not self.planners(call), "the end of the planner's processes", 5)
