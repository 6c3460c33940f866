"""Memory follows what a run uses."""
import json
import sys

import trireme
from trireme import Case

# Runs a call and appends the peak of its largest process, in KB, to the file named first.
PEAK = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
open(sys.argv[1], "w").write(str(peak))
sys.exit(code)
"""


class ShortSamples(Case):
    """A model of many positions that is trained on with samples of a few tokens."""
    def peak(self, run, context, **more):
        """Trains two steps; the most KB that one of its processes had."""
        self.write_config(model={"arch": "llama", "context": context},
                          train={"steps": 2, "batch": 4, "microbatch": 4, "context": 16},
                          schedule={"warmup": 0, "kind": "constant"},
                          eval={"every": 1, "samples": 1}, **more)
        done = self.run_it("train", "run.yaml", "--out", run, "--workers", 1,
                           before=[sys.executable, "-c", PEAK, self.path(run + ".kb")])
        self.assertEqual(done.code, 0, done)
        return int(self.read(run + ".kb"))

    def test_it_follows_the_samples_and_not_the_positions(self):
        self.write("a.bin", trireme.token_file([i * 7 % 251 for i in range(70000)]))
        data = {"order": "sequential", "sources": [{"name": "a", "path": "a.bin"}]}
        few, many = self.peak("few", 256, data=data), self.peak("many", 1 << 16, data=data)
        self.assertLess(many, few + 16 * 1024, "KB: %d, with 256 positions %d" % (many, few))
        # positions that no sample has change nothing
        self.assertEqual(self.losses("few")[0][1], self.losses("many")[0][1])

    def test_what_evaluation_reads_fits_and_is_measured_over_the_whole_context(self):
        self.write_data()
        self.peak("short", 512)
        run = self.metrics("short", "eval")
        self.assertEqual([line["step"] for line in run], [1, 2])
        found = json.loads(self.succeed("eval", "short", "--json").out)
        self.assertEqual(found["val_loss"], run[-1]["val_loss"])


if __name__ == "__main__":
    trireme.main()
