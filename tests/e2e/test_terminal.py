"""What a person sees: one line that lives on a terminal, plain lines anywhere else."""
import fcntl
import os
import pty
import re
import signal
import struct
import termios

import trireme
from trireme import Case

STEP = re.compile(r"step (\d+)/(\d+)  loss (\d+\.\d+)  (\d+) tok/s  "
                  r"lr \S+  norm \S+  ETA (\d+h\d\dm|\d+m\d\ds|\d+s)")


class Terminal(Case):
    def setUp(self):
        super().setUp()
        try:
            for end in pty.openpty():
                os.close(end)
        except OSError as error:
            self.skipTest("this machine has no pseudo-terminals: %s" % error)
        self.write_data()
        self.write_config(model={"width": 32, "context": 64},
                          train={"steps": 150},
                          eval={"every": 60})

    def on_terminal(self, columns, *words, interrupt_at=None):
        """Runs the program on a pseudo-terminal; what it wrote there, and how it ended."""
        main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        call = self.begin_on(other, *words)
        os.close(other)
        shown = b""
        while True:
            try:
                data = os.read(main, 4096)
            except OSError:
                break  # the last process that had the terminal has ended
            if not data:
                break
            shown += data
            if interrupt_at and interrupt_at in shown:
                call.process.send_signal(signal.SIGINT)
                interrupt_at = None
        os.close(main)
        return shown.decode(), call.end()

    def begin_on(self, terminal, *words):
        saved = os.dup(1), os.dup(2)
        try:
            os.dup2(terminal, 1)
            os.dup2(terminal, 2)
            return self.begin(*words, pipes=False)
        finally:
            for number, copy in zip((1, 2), saved):
                os.dup2(copy, number)
                os.close(copy)

    def test_a_terminal_shows_one_line_that_lives(self):
        shown, done = self.on_terminal(100, "train", "run.yaml", "--out", "run", "--workers", 2)
        self.assertEqual(done.code, 0, shown)
        live = [part for part in re.split(r"\r\n|\r", shown) if STEP.match(part)]
        self.assertGreater(len(live), 2, shown)
        steps = [int(STEP.match(part).group(1)) for part in live]
        self.assertEqual(steps, sorted(steps))
        self.assertEqual((steps[0], steps[-1]), (1, 150))
        self.assertGreater(shown.count("\r" + "step "), 2)
        self.assertIn("step 60  val_loss ", shown)
        self.assertTrue(shown.endswith("\n"), repr(shown[-80:]))

    def test_a_narrow_terminal_gets_lines_that_fit(self):
        shown, done = self.on_terminal(40, "train", "run.yaml", "--out", "run", "--workers", 1,
                                       "--set", "eval.every=0")
        self.assertEqual(done.code, 0, shown)
        parts = [part.replace("\x1b[K", "") for part in re.split(r"\r\n|\r", shown)]
        self.assertTrue(any(part.startswith("step 150/150") for part in parts), shown)
        # what is said once may be longer: it is not rewritten
        self.assertLess(max(len(part) for part in parts if not part.startswith("source ")), 40)

    def test_an_interrupt_on_a_terminal_ends_the_live_line_before_the_sentence(self):
        shown, done = self.on_terminal(100,
                                       "train",
                                       "run.yaml",
                                       "--out",
                                       "run",
                                       "--workers",
                                       2,
                                       "--set",
                                       "train.steps=1000000",
                                       interrupt_at=b"step 60  val_loss")
        self.assertEqual(done.code, 85, shown)
        self.assertRegex(
            shown,
            r"\r\ntrireme: stopped on request at step \d+, with a checkpoint: [^\r\n]*\r\n\Z")

    def test_without_a_terminal_there_are_plain_lines(self):
        done = self.succeed("train", "run.yaml", "--out", "run", "--workers", 2)
        self.assertNotIn("\r", done.out)
        self.assertNotIn("\x1b", done.out)
        lines = done.out.splitlines()
        self.assertEqual([int(STEP.match(line).group(1)) for line in lines if STEP.match(line)],
                         [1, 150])
        self.assertEqual([line.split()[1] for line in lines if "val_loss" in line],
                         ["60", "120", "150"])
        self.assertEqual(done.err, "")

    def test_the_run_keeps_a_log(self):
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 2)
        log = self.read("run/log.txt").decode()
        self.assertRegex(
            log, r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "
            r"worker 1 \(rank 3 on \S+, process \d+\) is ready$")
        self.assertRegex(log, r"(?m)Z complete: run/checkpoints/step-00000150$")


if __name__ == "__main__":
    trireme.main()
