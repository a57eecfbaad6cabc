#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills whole jobs at random moments, and goes on with them: kill_and_resume.py BUILD_FOLDER [KILLS [SEED]]

Several jobs side by side, each with a results file of its own. Again and again a rank, rank 0, the
launcher, everything at once, or a trainer gets SIGKILL; then h5py opens the file, the finished rows
must be bit for bit what they were, nothing may be left running, and the job goes on with --resume.
In the end every run is done exactly once."""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

try:
    import h5py
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

JOBS, RANKS, REPEATS, LEVELS, SETS = 3, 2, 80, 2, 2
RUNS = REPEATS * LEVELS * SETS
VICTIMS = ["worker", "rank 0", "launcher", "everything", "trainer"]
JOB = """
name: {name}
repeats: {repeats}
train: {{epochs: 2}}
factors:
  framework: [{{name: one, command: ['{trainer}', seconds={seconds}, 'note={note}']}},
              {{name: two, command: ['{trainer}', seconds={seconds}, 'note={note}']}}]
  architecture: [arch1]
  dataset: [blobs, spots]
contrast: framework
backend: onednn
schedule: {{sharing: allow}}
limits: {{retries: 5}}
datasets:
  blobs: {{type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}}
  spots: {{type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}}
"""


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(c) for c in f.read().split()]
    except OSError:
        return []


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(0.02)


class Job:
    def __init__(self, build, folder, number, seed):
        self.build, self.folder = build, folder
        self.path = f"{folder}/job{number}.yaml"
        self.file = f"{folder}/job{number}.h5"
        self.log = f"{folder}/job{number}.log"
        self.note = f"{folder}/job{number}.note"
        self.random = random.Random(seed * 1000 + number)
        self.kept = {}  # run: bytes of its finished row
        self.kills = self.torn = 0  # torn: the job was in the middle of its runs
        with open(self.path, "w") as f:
            f.write(JOB.format(name=f"job{number}", repeats=REPEATS, trainer=f"{build}/tests/null_trainer",
                               seconds=0.02, note=self.note))

    def start(self):
        command = ["mpirun", "-np", str(RANKS), f"{self.build}/cnnmpi", self.path, "--resume",
                   "--output", self.file, "--progress", "plain"]
        with open(self.log, "a") as log:
            self.launcher = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def ranks(self):
        return [p for p in children(self.launcher.pid) if name_of(p) == "cnnmpi"]

    def supervisors(self):
        return [c for r in self.ranks() for c in children(r)]

    def trainers(self):
        return [c for s in self.supervisors() for c in children(s)]

    def finished(self):
        """Rows of finished runs, as bytes, by run; h5py must be able to open the file."""
        if not os.path.exists(self.file):
            return {}
        with h5py.File(self.file, "r") as f:
            columns = [v[()] for v in f.values()
                       if isinstance(v, h5py.Dataset) and v.shape and v.shape[0] == RUNS]
            status = f["status"][()]
            return {run: b"".join(c[run].tobytes() for c in columns)
                    for run in range(RUNS) if status[run] in (1, 2)}

    def check(self):
        now = self.finished()
        for run, row in self.kept.items():
            assert now.get(run) == row, f"run {run} of {self.file} was finished, and has changed"
        self.torn += 0 < len(now) < RUNS
        self.kept = now

    def strike(self):
        """One or more kills, until the job is over. True: it ended by itself, complete."""
        victim = self.random.choice(VICTIMS)
        if self.random.random() < 0.7:  # amid the runs
            wait_until(lambda: self.launcher.poll() is not None or self.trainers(), 60, "a trainer runs")
            time.sleep(self.random.uniform(0, 0.5))
        else:  # anywhere from before MPI_Init to the first runs
            time.sleep(self.random.uniform(0, 1.2))
        if self.launcher.poll() is not None:
            assert self.launcher.returncode == 0, f"it ended by itself with {self.launcher.returncode}"
            return True
        ranks = self.ranks()
        supervisors, trainers = self.supervisors(), self.trainers()
        if victim in ("worker", "rank 0", "trainer") and not ranks:
            victim = "launcher"
        if victim == "trainer":
            if trainers:
                kill(self.random.choice(trainers))
                self.kills += 1
            return self.strike()  # the job goes on
        self.kills += 1
        begin = time.monotonic()
        if victim == "everything":
            for pid in [self.launcher.pid] + ranks + trainers:
                kill(pid)
        else:
            kill({"worker": ranks[-1:], "rank 0": ranks[:1], "launcher": [self.launcher.pid]}[victim][0])
        try:
            self.launcher.wait(60)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"mpirun does not end after the death of {victim}")
        wait_until(lambda: not any(is_alive(p) for p in ranks + supervisors + trainers), 30,
                   f"ranks {ranks} and trainers {trainers} end after the death of {victim}")
        print(f"{os.path.basename(self.file)}: kill {self.kills}, {victim}, with {len(trainers)} trainers, "
              f"gone in {time.monotonic() - begin:.2f} s", flush=True)
        return False

    def run(self, kills):
        """So many kills; on a fast machine they take more than one results file."""
        while self.kills < kills:
            self.kept = {}
            if os.path.exists(self.file):
                os.remove(self.file)
            self.run_one_file(kills)

    def run_one_file(self, kills):
        complete = False
        while self.kills < kills and not complete:
            self.start()
            complete = self.strike()
            self.check()
        if not complete:
            self.start()
            assert self.launcher.wait(300) == 0, "the last --resume failed"
            self.check()
        assert len(self.kept) == RUNS, f"{len(self.kept)} of {RUNS} runs are done"
        with h5py.File(self.file, "r") as f:
            # The row's attempt is its last one. A kill between the attempt and its run's row leaves a
            # good attempt of a run that is not finished, and is repeated.
            places = len(f["attempt_run"]) // RUNS
            outcome = f["attempt_outcome"][()].reshape(RUNS, places)
            start = f["attempt_start_time"][()].reshape(RUNS, places)
            for run, attempts in enumerate(f["attempts"][()]):
                last = attempts - 1
                assert outcome[run, last] == 1 and start[run, last] == f["start_time"][run], run
                assert (outcome[run, attempts:] == 0).all(), run
            twice = int((outcome == 1).sum()) - RUNS
            assert twice <= self.kills, f"{twice} runs were finished twice"
            assert (f["analysis/n"][()][:, 0] == REPEATS).all(), "the analysis is not there"


def work(job, kills, failures):
    try:
        job.run(kills)
    except BaseException as failure:  # the thread's only way to tell
        failures.append(f"{job.file}, after {job.kills} kills: {failure!r}")
    finally:
        if job.launcher.poll() is None:
            for pid in [job.launcher.pid] + job.ranks():
                kill(pid)


def main():
    build, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 51
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20180601
    os.environ["OMPI_MCA_btl"] = "tcp,self"  # killed ranks leave their shared memory behind
    for allowed in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe"):
        os.environ[allowed] = "1"
    os.environ.pop("SLURM_JOB_ID", None)
    folder = tempfile.mkdtemp()
    begin, failures = time.monotonic(), []
    try:
        jobs = [Job(build, folder, i, seed) for i in range(JOBS)]
        threads = [threading.Thread(target=work, args=(j, -(-kills // JOBS), failures)) for j in jobs]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        total = sum(j.kills for j in jobs)
        print(f"{total} kills, {sum(j.torn for j in jobs)} of them with some runs done, {time.monotonic() - begin:.0f} s, seed {seed}")
        if failures:
            print(open(jobs[0].log).read()[-3000:])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(bool(failures))


main()
