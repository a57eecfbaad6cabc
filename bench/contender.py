# SPDX-License-Identifier: Apache-2.0
"""A program that trains steps on demand and tells how long each took: one line on standard input is
a number of steps, the answer a line with the seconds of one. So a driver keeps several ready and
lets them run in turns, and what disturbs one disturbs all."""
import contextlib
import os
import statistics
import subprocess
import sys
import time


def fail(message):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")


class Contender:
    """slice_seconds: how long a turn lasts. cores: to which it is bound, or None. Its first line
    names its versions."""

    def __init__(self, label, command, slice_seconds, environment=None, cores=None):
        self.label = label
        self.command = " ".join(command)
        self.times = []
        bind = None if cores is None else lambda: os.sched_setaffinity(0, cores)
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=dict(os.environ, **(environment or {})), preexec_fn=bind)
        except OSError as error:
            fail(f"{self.command}: {error.strerror}")
        self.version = self.answer()
        self.run(2)  # warms up
        self.steps = max(1, round(slice_seconds / self.run(2)))

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line:
            fail(f"{self.command} ended with status {self.process.wait()}")
        return line

    def run(self, steps):
        try:
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() tells how it ended
        return float(self.answer())

    def take_turn(self):
        self.times.append(self.run(self.steps))
        time.sleep(0.02)  # until its idle threads stop spinning

    def stop(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()

    def median(self):
        return statistics.median(self.times)
