#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What dispatching a run costs, for jobs of few and of many planned runs.

    bench/dispatch [--planned 1000 10000 100000] [--virtual 4 64 1000] [--ranks 4 64] [--most 800]

1. The dispatcher alone: all blocks of a job dealt to ranks that exist only in memory
   (cnnbench-dispatch): CPU a run over the whole job, its first and its last tenth; messages; memory.
2. Whole jobs with a trainer that trains nothing (tests/null_trainer; each run is still a process of
   its own): mpirun with that many ranks on this host; after --most runs rank 0 gets SIGINT. Runs/s
   and CPU a run are those between the first finished run and the last of them; the CPU is cnnmpi's
   own (/proc/PID/task/*/schedstat), its trainers' not included. Rank 0 trains as the others do: what
   it needs beyond their mean is the dispatcher's. Start-up is from mpirun to the first finished run.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 540  # seconds that a job may take

JOB = """
name: dispatch
repeats: {repeats}
seed: 3
train: {{epochs: {epochs}}}
factors:
  framework: [{{name: one, command: ['{trainer}', 'seconds=0']}}, {{name: two, command: ['{trainer}', 'seconds=0']}}]
  architecture: [arch1]
  dataset: [blobs, spots]
contrast: framework
backend: onednn
schedule: {{sharing: allow}}
datasets:
  blobs: {{type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}}
  spots: {{type: synthetic, count: 100, height: 12, width: 12, channels: 1, classes: 3}}
"""


def dispatcher_alone(build, planned, ranks):
    out = subprocess.run([build / "cnnbench-dispatch", str(planned), str(ranks)], check=True,
                         stdout=subprocess.PIPE, timeout=PATIENCE).stdout
    m = json.loads(out)
    print(f"| {m['runs']:,} | {ranks:,} | {1e3 * m['plan_seconds']:.0f} ms | {1e3 * m['create_seconds']:.1f} ms "
          f"| {m['us_per_run']:.2f} | {m['us_first_tenth']:.2f} | {m['us_last_tenth']:.2f} "
          f"| {m['messages_per_run']:.2f} | {m['bytes_per_run']:.0f} | {m['peak_mb']:.0f} MB |", flush=True)


def rank_pids(mpirun):
    """Ranks of a running mpirun: their process ids, by rank."""
    pids = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            environment = b"\0" + (folder / "environ").read_bytes() if int(parent) == mpirun else b""
        except OSError:
            continue
        found = re.search(rb"\0OMPI_COMM_WORLD_RANK=(\d+)\0", environment)
        if found:
            pids[int(found.group(1))] = int(folder.name)
    return pids


def cpu_seconds(pid):
    """CPU of a process with all its threads, its children's not included."""
    return sum(int(stat.read_text().split()[0])
               for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def peak_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


def sample(pids, finished):
    return {"time": time.monotonic(), "finished": finished,
            "cpu": {rank: cpu_seconds(pid) for rank, pid in pids.items()},
            "peak": {rank: peak_mb(pid) for rank, pid in pids.items()}}


def watch(job, ranks, most):
    """Samples at the first finished run and after `most`, by cnnmpi's own lines."""
    first = last = None
    pids = {}
    for line in job.stdout:
        done = re.search(r"\[(\d+)/\d+\]", line)
        if not done:
            continue
        finished = int(done.group(1))
        if first is None:
            pids = rank_pids(job.pid)
            if len(pids) != ranks:
                raise SystemExit(f"{len(pids)} of {ranks} ranks found")
            first = sample(pids, finished)
        if finished >= most:
            last = sample(pids, finished)
            os.kill(pids[0], signal.SIGINT)
            break
    if last is None:
        raise SystemExit("the job ended before its time")
    for _ in job.stdout:
        pass
    return first, last


def whole_job(build, planned, ranks, most, epochs, folder):
    path = folder / "dispatch.yaml"
    path.write_text(JOB.format(repeats=planned // 4, epochs=epochs, trainer=build / "tests/null_trainer"))
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                       OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_odls_base_sigkill_timeout="0")
    began = time.monotonic()
    job = subprocess.Popen(["mpirun", "-np", str(ranks), build / "cnnmpi", path], cwd=folder,
                           env=environment, text=True, stdout=subprocess.PIPE,
                           stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    patience = threading.Timer(PATIENCE, job.kill)
    patience.start()
    try:
        first, last = watch(job, ranks, min(most, planned // 4 * 4 - ranks))
        job.wait(60)
    finally:
        patience.cancel()
        job.kill()
    closed = time.monotonic()
    runs = last["finished"] - first["finished"]
    own = {r: 1e3 * (last["cpu"][r] - first["cpu"][r]) for r in last["cpu"]}
    others = [own[r] for r in own if r > 0]
    share = runs / ranks
    beyond = (own[0] - statistics.mean(others)) / runs if others else float("nan")
    size = (folder / "dispatch.h5").stat().st_size
    peak = last["peak"]
    print(f"| {planned // 4 * 4:,} | {ranks} | {last['finished']:,} | {first['time'] - began:.1f} s "
          f"| {runs / (last['time'] - first['time']):.0f} "
          f"| {statistics.mean(others) / share if others else own[0] / share:.2f} | {1e3 * beyond:.0f} "
          f"| {peak[0]:.0f} MB | {max([p for r, p in peak.items() if r > 0] or [0]):.0f} MB "
          f"| {size / (planned // 4 * 4):,.0f} | {closed - last['time']:.1f} s |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", default=HERE / "build", type=pathlib.Path)
    parser.add_argument("--planned", nargs="+", type=int, default=[1000, 10000, 100000])
    parser.add_argument("--ranks", nargs="*", type=int, default=[4, 64], help="of whole jobs")
    parser.add_argument("--virtual", nargs="*", type=int, default=[4, 64, 1000],
                        help="of the dispatcher alone")
    parser.add_argument("--most", type=int, default=800, help="runs that a whole job does")
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()
    build = given.build.resolve()
    if given.virtual:
        print("| planned runs | ranks | planning | dealing | us a run | first tenth | last tenth "
              "| messages a run | bytes a run | peak memory |\n|" + "---|" * 10)
    for planned in given.planned:
        for ranks in given.virtual:
            dispatcher_alone(build, planned, ranks)
    if given.ranks:
        print("\n| planned runs | ranks | done | start-up | runs/s | CPU a run, ms | dispatcher's, us | rank 0 "
              "| other ranks | file, bytes a run | closing |\n|" + "---|" * 11)
    for planned in given.planned:
        for ranks in given.ranks:
            with tempfile.TemporaryDirectory() as folder:
                whole_job(build, planned, ranks, given.most, given.epochs, pathlib.Path(folder))


if __name__ == "__main__":
    main()
