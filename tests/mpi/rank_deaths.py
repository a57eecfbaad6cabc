#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills one rank of four at a time under mpirun --enable-recovery: rank_deaths.py BUILD_FOLDER KILLS [SEED]

So many kills between the first run's start and the last one's end, by shared memory and by TCP: the job goes on
without the rank, and every run is done, with no --resume. Then a tenth as many, one at least, before the first
run and after the last: the job ends within two minutes, and where it is not complete --resume finishes it."""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

try:
    import h5py
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

RANKS, REPEATS = 4, 6
RUNS = REPEATS * 4  # two frameworks, two data sets
END_SECONDS = 300  # by then a job has ended; a death in MPI_Init takes it nearly two minutes on an idle machine
TRANSPORTS = ["self,vader", "self,tcp"]
JOB = """
name: deaths
repeats: {repeats}
train: {{epochs: 2}}
factors:
  framework: [{{name: one, command: ['{trainer}', seconds=0.04, 'note={note}']}},
              {{name: two, command: ['{trainer}', seconds=0.04, 'note={note}']}}]
  architecture: [arch1]
  dataset: [blobs, spots]
contrast: framework
backend: onednn
schedule: {{sharing: allow, assign: {assign}}}
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


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode(errors="replace")
    except OSError:
        return ""


def is_alive(pid):
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] not in ([], ["Z"], ["X"])


def rank_of(pid):
    number = re.search("(?:^|\0)OMPI_COMM_WORLD_RANK=([0-9]+)\0", read(f"/proc/{pid}/environ"))
    return int(number.group(1)) if number and read(f"/proc/{pid}/comm") == "cnnmpi\n" else -1


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(0.002)


class Job:
    def __init__(self, build, folder, number, transport, assign):
        self.build, self.folder = build, f"{folder}/{number}"
        os.mkdir(self.folder)
        self.transport = transport
        self.file, self.note, self.log = (f"{self.folder}/{name}" for name in ("deaths.h5", "note", "log"))
        with open(f"{self.folder}/deaths.yaml", "w") as f:
            f.write(JOB.format(repeats=REPEATS, trainer=f"{build}/tests/null_trainer", note=self.note, assign=assign))

    def start(self, *more):
        command = ["mpirun", "--enable-recovery", "--mca", "btl", self.transport, "-np", str(RANKS),
                   f"{self.build}/cnnmpi", f"{self.folder}/deaths.yaml", "--output", self.file, "--progress", "plain",
                   *more]
        with open(self.log, "a") as log:
            self.launcher = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self, rank):
        """Its process, its supervisor and its trainer, which must end, too."""
        pids = {rank_of(p): p for p in children(self.launcher.pid)}
        if rank not in pids:
            return []
        below = children(pids[rank])
        os.kill(pids[rank], signal.SIGKILL)
        return [pids[rank], *below, *(c for p in below for c in children(p))]

    def listens(self):
        """Whether rank 0 has its socket for signs of life."""
        names = {line.split()[6] for line in read("/proc/net/unix").split("\n") if "@cnnmpi-" in line}
        for pid in children(self.launcher.pid):
            try:
                links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            except OSError:
                continue
            if any(f"socket:[{inode}]" in links for inode in names):
                return True
        return False

    def ends(self):
        return read(self.note).count(" end\n")

    def status(self):
        """As the exit file has it: mpirun returns 0 whatever happens."""
        text = read(self.file + ".exit").split("\n")
        return int(text[0]) if text[0] else None

    def finish(self, gone):
        self.launcher.wait(END_SECONDS)
        wait_until(lambda: not any(is_alive(p) for p in gone), 30, f"processes {gone} end")

    def check(self):
        with h5py.File(self.file, "r") as f:
            assert (f["status"][()] == 1).all(), f"status {f['status'][()]}"
            places = len(f["attempt_run"]) // RUNS
            outcome = f["attempt_outcome"][()].reshape(RUNS, places)
            start = f["attempt_start_time"][()].reshape(RUNS, places)
            for run, attempts in enumerate(f["attempts"][()]):
                last = attempts - 1
                assert outcome[run, last] == 1 and start[run, last] == f["start_time"][run], f"attempts of run {run}"
            ranks = {}
            for run, block in enumerate(f["block"][()]):
                ranks.setdefault(block, set()).add(int(f["rank"][run]))
            split = [b for b, r in ranks.items() if len(r) > 1]
            assert not split, f"blocks {split} were split over ranks"
            assert (f["analysis/n"][()][:, 0] == REPEATS).all(), "the analysis is not there"

    def resume(self):
        self.start("--resume")
        self.launcher.wait(END_SECONDS)
        assert self.status() == 0, f"--resume: exit status {self.status()}"
        self.check()


def amid(job, r):
    """One kill between the first run's start and the last one's end; false: it came too late."""
    victim, after = r.randrange(1, RANKS), r.randrange(RUNS)
    wait_until(lambda: read(job.note) and job.ends() >= after or job.launcher.poll() is not None, 60, "runs end")
    time.sleep(r.uniform(0, 0.08))
    gone = job.kill(victim)
    if job.ends() == RUNS or not gone:
        return False
    job.finish(gone)
    assert job.status() == 0, f"exit status {job.status()} after the death of rank {victim}"
    assert f"(rank {victim}): its rank has died" in read(job.log), "nothing says that a rank has died"
    assert job.launcher.returncode == 0
    job.check()
    return True


def around(job, r, before):
    victim = r.randrange(1, RANKS)
    if before:
        wait_until(lambda: job.listens() or job.launcher.poll() is not None, 60, "it begins")
        time.sleep(r.uniform(0, 0.05))
    else:
        wait_until(lambda: job.ends() == RUNS or job.launcher.poll() is not None, 60, "all runs end")
        time.sleep(r.uniform(0, 0.15))
    job.finish(job.kill(victim))
    status = job.status()
    assert status in (0, 3, None), f"exit status {status}"
    if status == 3:
        assert f"rank {victim} on " in read(job.file + ".exit"), read(job.file + ".exit")
    if status != 0:  # None: it had not read the job yet
        assert f"rank {victim} on " in read(job.log), "nothing says that a rank has died"
        job.resume()
    else:
        job.check()
    return status


def main():
    build, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20180601
    r = random.Random(seed)
    for allowed in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe"):
        os.environ[allowed] = "1"
    for name in [n for n in os.environ if n.startswith("SLURM") or n == "CNNMPI_EXIT_FILE"]:
        del os.environ[name]
    folder = tempfile.mkdtemp()
    done = late = number = 0
    job = None
    try:
        while done < kills:
            job = Job(build, folder, number, TRANSPORTS[number % 2], ["balanced", "dynamic"][number // 2 % 2])
            job.start()
            if amid(job, r):
                done += 1
            else:
                late += 1
                job.launcher.wait(END_SECONDS)
            number += 1
        ended = {}
        for i in range(2 * max(1, kills // 10)):
            job = Job(build, folder, number, TRANSPORTS[number // 2 % 2], "balanced")
            job.start()
            key = ("before" if i % 2 == 0 else "after", around(job, r, i % 2 == 0))
            ended[key] = ended.get(key, 0) + 1
            number += 1
        print(f"{done} kills amid the runs, {late} came too late; around them, by exit status: {ended}; seed {seed}")
    except BaseException:
        if job:
            print(read(job.log)[-4000:])
        raise
    finally:
        if job and job.launcher.poll() is None:
            for pid in [job.launcher.pid] + children(job.launcher.pid):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


main()
