"""PyTorch reads what export wrote, and computes the same loss. Skipped without PyTorch."""
import os
import subprocess
import sys
import unittest

import trireme
from models import CONTEXT, SAMPLES, Models
from trireme import FIXTURES

CLOSE = 2e-5


def torch_is_there():
    return subprocess.run([sys.executable, "-c", "import torch, numpy"],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


@unittest.skipUnless(torch_is_there(), "python3-torch is not installed")
class Torch(Models):
    def check_torch(self, model):
        mine = self.check_import(model)
        done = subprocess.run([
            sys.executable, "-B",
            os.path.join(FIXTURES, "torch_reader.py"), "loss",
            self.path("out"),
            self.path("tokens.bin"), "--context",
            str(CONTEXT), "--samples",
            str(SAMPLES)
        ],
                              stdout=subprocess.PIPE,
                              check=True,
                              timeout=trireme.bound(120))
        theirs = float(done.stdout)
        print("%s: loss of the exported model: %.9g, PyTorch's %.9g, relative deviation %.1e" %
              (model, mine, theirs, abs(mine - theirs) / theirs),
              flush=True)
        self.assertLessEqual(abs(mine - theirs), CLOSE * theirs)

    def test_pytorch_reads_an_exported_gpt2_with_the_same_loss(self):
        self.check_torch("gpt2")

    def test_pytorch_reads_an_exported_llama_with_the_same_loss(self):
        self.check_torch("llama")

    def test_pytorch_reads_an_exported_llama_with_biases_wide_heads_and_llama3(self):
        self.check_torch("llama_rich")


if __name__ == "__main__":
    trireme.main()
