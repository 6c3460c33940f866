"""A real model, continued: tests/check/real_model.py. Takes some minutes, so only where
TRIREME_LONG is set (tests/run --long sets it), and where PyPI can be reached."""
import os
import subprocess
import unittest

import transformers_packages as packages
import trireme

SCRIPT = os.path.join(packages.ROOT, "tests", "check", "real_model.py")

try:
    if not os.environ.get("TRIREME_LONG"):
        raise packages.Missing("takes some minutes (tests/run --long runs it)")
    if "ASAN_OPTIONS" in os.environ:
        raise packages.Missing("too slow with sanitizers")
    packages.provide_model()
    missing = None
except packages.Missing as error:
    missing = str(error)


@unittest.skipIf(missing, missing)
class RealModel(trireme.Case):
    def test_smollm2_is_read_trained_on_resumed_and_exported(self):
        done = subprocess.run([
            packages.python_of("5"), "-B", SCRIPT, "--trireme", trireme.PROGRAM, "--logits",
            os.environ["LOGITS"]
        ],
                              cwd=self.folder,
                              text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              timeout=trireme.bound(1200))
        print(done.stdout, flush=True)
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    trireme.main()
