# SPDX-License-Identifier: Apache-2.0
"""What a trainer in Python needs of cnnmpi's run protocol (docs/trainer-protocol.md), whatever
framework it trains with: random numbers, data sets, events. Needs NumPy. trainers/pytorch.py
shows its use."""
from __future__ import annotations

import ctypes
import gzip
import json
import math
import os
import re
import struct
import sys
import time
import zlib
from typing import Any, Callable, Iterable, Iterator, Optional, Sequence, TextIO

STARTED = time.monotonic()
PROTOCOLS = 1, 2  # versions of the run protocol that are known here
WEIGHTS, SHUFFLE, SPLIT, SYNTHETIC = 1, 2, 3, 4  # what random numbers are drawn for
FAILED, USAGE, DATA = 1, 2, 3  # exit status
LIBRARY = re.compile(r"/lib(gomp|omp|iomp5)\b[^/]*\.so")  # an OpenMP runtime in /proc/self/maps

try:
    import numpy as np
except ImportError:  # main reports it
    np = None


Source = dict[str, Any]  # dataset.source of a specification
Part = tuple["np.ndarray", "np.ndarray"]  # images and labels
Parts = list[Part]  # for training, for testing


class Failure(Exception):
    """What went wrong, for people, and the exit status that says of what kind it is."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


# ---- random numbers, as docs/trainer-protocol.md has them ---------------------------------------


def philox(seed: int, purpose: int, epoch: int, count: int) -> np.ndarray:
    """Philox4x32-10 at counters (i, 0, epoch, purpose), i < count: uint32 [count, 4]."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    c0 = np.arange(count, dtype=np.uint64)
    c1 = np.zeros(count, np.uint64)
    c2 = np.full(count, epoch, np.uint64)
    c3 = np.full(count, purpose, np.uint64)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0 = (p1 >> half) ^ c1 ^ np.uint64(k0)
        c2 = (p0 >> half) ^ c3 ^ np.uint64(k1)
        c1, c3 = p1 & low, p0 & low
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def words(seed: int, purpose: int, epoch: int, count: int) -> np.ndarray:
    """The first count values of a stream: uint32 [count]."""
    return philox(seed, purpose, epoch, -(-count // 4)).reshape(-1)[:count]


def glorot(seed: int, tensor: int, dims: Sequence[int], fan_in: int, fan_out: int) -> np.ndarray:
    """Initial weights of the network's parameter number `tensor`: f32 of shape dims."""
    unit = (words(seed, WEIGHTS, tensor, math.prod(dims)).astype(np.float64) + 0.5) * 2.0**-32
    limit = math.sqrt(6 / (fan_in + fan_out))
    return (limit * (2 * unit - 1)).astype(np.float32).reshape(dims)


def random_order(seed: int, purpose: int, epoch: int, count: int) -> np.ndarray:
    """The permutation that sorts items by (first word at their counter, index): i64 [count]."""
    return np.argsort(philox(seed, purpose, epoch, count)[:, 0], kind="stable")


def fnv1a(data: bytes, start: int = 0xCBF29CE484222325) -> int:
    """64-bit FNV-1a of bytes, without a loop over them.

    A byte only changes the sum's lowest byte before the multiplication. The sequence of lowest
    bytes comes first: bit k of it is a running exclusive-or of bits that depend on lower bits
    only. Then the sum is linear in what the bytes added to it.
    """
    b = np.frombuffer(data, np.uint8)
    prime = 0x100000001B3
    if len(b) == 0:
        return start
    lowest = np.zeros(len(b), np.uint8)  # of the sum before each byte
    for bit in range(8):
        mask = np.uint8((1 << bit) - 1)
        carry = ((lowest ^ b) & mask) * np.uint8(prime & 0xFF)  # modulo 256
        flips = (carry ^ b) >> np.uint8(bit) & np.uint8(1)
        running = np.empty(len(b), np.uint8)
        running[0] = start >> bit & 1
        running[1:] = np.bitwise_xor.accumulate(flips[:-1]) ^ running[0]
        lowest |= running << np.uint8(bit)
    added = (lowest ^ b).astype(np.int64) - lowest.astype(np.int64)
    powers = np.full(len(b), prime, np.uint64)
    powers = np.multiply.accumulate(powers)[::-1]  # modulo 2^64
    total = np.sum(added.astype(np.uint64) * powers, dtype=np.uint64)
    return (int(total) + start * pow(prime, len(b), 1 << 64)) % (1 << 64)


# ---- data ---------------------------------------------------------------------------------------


def locate_idx(folder: str, name: str) -> str:
    """The file of MNIST's own name, plain or packed, or of a name that others give it, which may be
    that of a folder around it as well."""
    paths = [os.path.join(folder, name), os.path.join(folder, name + ".gz")]
    pattern = re.compile("(.*-)?" + name.replace("t10k", "(t10k|test)").replace("idx3", "idx[34]") + "(-gz)?")

    def others(place):
        names = sorted(os.listdir(place)) if os.path.isdir(place) else []
        return [os.path.join(place, n) for n in names if pattern.fullmatch(n.lower().replace(".", "-"))]

    paths += [path for outer in others(folder) for path in [outer, *others(outer)]]
    for path in paths:
        if os.path.isfile(path):
            return path
    raise Failure(DATA, f"'{folder}' has neither {name} nor {name}.gz")


def read_idx(folder: str, name: str) -> np.ndarray:
    path = locate_idx(folder, name)
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise Failure(DATA, f"'{path}': {error}")
    if len(data) < 8 or data[:3] != b"\0\0\x08":
        raise Failure(DATA, f"'{path}' is no IDX file of unsigned bytes")
    rank = data[3]
    dims = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    if len(data) - 4 - 4 * rank != math.prod(dims):
        raise Failure(DATA, f"'{path}' does not hold what its header says: {dims}")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(dims)


def load_idx(source: Source) -> Parts:
    folder = source["path"]
    x = read_idx(folder, "train-images-idx3-ubyte"), read_idx(folder, "t10k-images-idx3-ubyte")
    y = read_idx(folder, "train-labels-idx1-ubyte"), read_idx(folder, "t10k-labels-idx1-ubyte")
    return list(zip(x, y))


def load_npy(source: Source) -> Parts:
    try:
        x, y = np.load(source["images"]), np.load(source["labels"])
    except (OSError, ValueError) as error:
        raise Failure(DATA, str(error))
    if x.dtype not in (np.uint8, np.float32) or len(x) != len(y) or y.ndim != 1 or y.min() < 0:
        raise Failure(DATA, f"'{source['images']}' {x.dtype} {x.shape} and labels {y.shape}")
    return split(source, x, y)


def split(source: Source, x: np.ndarray, y: np.ndarray) -> Parts:
    """Training and test part, stratified by class; both keep the file's order."""
    n = len(y)
    test = math.floor(source["test_fraction"] * n + 0.5)
    sizes = np.bincount(y)
    quota, left = test * sizes // n, test * sizes % n
    ranks = sorted(range(len(sizes)), key=lambda c: (-left[c], c))
    for c in ranks[: test - int(quota.sum())]:
        quota[c] += 1
    order = random_order(source["split_seed"], SPLIT, 0, n)
    is_test = np.zeros(n, bool)
    for c in range(len(sizes)):
        is_test[order[y[order] == c][: quota[c]]] = True
    return [(x[~is_test], y[~is_test]), (x[is_test], y[is_test])]


def read_png(path: str) -> tuple[tuple[int, int, int], bytes]:
    """((height, width, channels), packed rows) of an 8-bit RGB or grey PNG file, not interlaced."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed, ended = 8, [], False
    if len(data) < 33 or data[:16] != b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR":
        raise Failure(DATA, f"'{path}' is no PNG file")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if depth != 8 or colour not in (0, 2) or interlace:
        raise Failure(DATA, f"'{path}': only 8-bit RGB and grey, not interlaced, can be read")
    while not ended:
        if len(data) < at + 12:
            raise Failure(DATA, f"'{path}' is cut off")
        size, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        if data[at + 8 + size : at + 12 + size] != struct.pack(">I", zlib.crc32(name + body)):
            raise Failure(DATA, f"'{path}' is damaged: the checksum of {name} is wrong")
        packed += [body] if name == b"IDAT" else []
        ended = name == b"IEND"
        at += 12 + size
    return (height, width, 3 if colour == 2 else 1), b"".join(packed)


def png_rows(path: str, shape: tuple[int, int, int], packed: bytes) -> np.ndarray:
    """The unpacked rows, each behind the number of its filter: u8 [height, 1 + width * channels]."""
    height, width, channels = shape
    size = height * (1 + width * channels)
    unpacker = zlib.decompressobj()
    try:  # one byte more would tell of more
        rows = unpacker.decompress(packed, size + 1)
    except zlib.error as error:
        raise Failure(DATA, f"'{path}' is damaged: {error}")
    rows = np.frombuffer(rows, np.uint8)
    if len(rows) != size or rows.reshape(height, -1)[:, 0].max() > 4:
        raise Failure(DATA, f"'{path}' is damaged: it does not hold the rows that it should")
    return rows.reshape(height, -1)


def undo_filters(rows: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """rows u8 [n, height, 1 + width * channels], all images at once: u8 [n, height, width, channels]."""
    (height, width, channels), n = shape, len(rows)
    filters = rows[:, :, 0].astype(np.int64)
    rows = rows[:, :, 1:].reshape(n, height, width, channels)
    out = np.zeros((n, height + 1, width + 1, channels), np.int16)  # a row and a column of zeros first
    for y in range(height):
        which = filters[:, y, None]
        for x in range(width):
            left, above, corner = out[:, y + 1, x], out[:, y, x + 1], out[:, y, x]
            to_left, to_above = abs(above - corner), abs(left - corner)
            to_corner = abs(left + above - 2 * corner)
            nearest = np.where(to_above <= to_corner, above, corner)
            nearest = np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)
            choices = (0, left, above, (left + above) // 2, nearest)
            out[:, y + 1, x + 1] = (rows[:, y, x] + np.choose(which, choices)) & 255
    return out[:, 1:, 1:].astype(np.uint8)


def png_files(root: str) -> Iterator[tuple[bytes, bytes, str]]:
    """[(patient, class, path)] of PATIENT/CLASS/NAME.png, each level sorted by its bytes."""

    def entries(folder: Any) -> list[tuple[bytes, bytes]]:
        names = sorted(name for name in os.listdir(os.fsencode(folder)) if name[:1] != b".")
        return [(name, os.path.join(os.fsencode(folder), name)) for name in names]

    for patient, folder in entries(root):
        for label, inner in entries(folder) if os.path.isdir(folder) else ():
            for name, path in entries(inner) if os.path.isdir(inner) else ():
                if name.lower().endswith(b".png"):
                    yield patient, label, os.fsdecode(path)


def load_png_tree(source: Source) -> Parts:
    try:
        files = list(png_files(source["path"]))
        images = [read_png(path) for _, _, path in files]
    except OSError as error:
        raise Failure(DATA, str(error))
    shapes = [shape for shape, _ in images]
    wanted = tuple(source.get("shape") or min(set(shapes), key=lambda s: (-shapes.count(s), s), default=()))
    kept = [i for i, shape in enumerate(shapes) if shape == wanted]
    if not kept:
        raise Failure(DATA, f"'{source['path']}' holds no image of the wanted size")
    left_out = len(files) - len(kept)
    if source.get("skip") != "allow" and 20 * left_out > len(files):
        raise Failure(DATA, f"'{source['path']}': {left_out} of {len(files)} images have another size; "
                            "`skip: allow` leaves them out")
    names = sorted({label for _, label, _ in files})
    x = undo_filters(np.stack([png_rows(files[i][2], *images[i]) for i in kept]), wanted)
    y = np.array([names.index(files[i][1]) for i in kept])
    if source["split"] == "image":
        return split(source, x, y)
    return split_patients(source, x, y, [files[i][0] for i in kept])


def split_patients(source: Source, x: np.ndarray, y: np.ndarray, patients: list[bytes]) -> Parts:
    """Whole patients are for testing: as near to the wanted number of images as they allow."""
    n, names = len(y), sorted(set(patients))
    sizes = [patients.count(name) for name in names]
    test = math.floor(source["test_fraction"] * n + 0.5)
    if len(names) < 2 or not 0 < test < n:
        raise Failure(DATA, "the images cannot be divided by patients")
    by, made = {0: None}, 1  # the patient that made a number of images first; bit s: s can be made
    for patient in random_order(source["split_seed"], SPLIT, 3, len(names)):
        if test in by:
            break
        fresh = (made << sizes[patient]) & ~made & ((1 << n) - 1)
        made |= fresh
        while fresh:
            by[(fresh & -fresh).bit_length() - 1] = patient
            fresh &= fresh - 1
    left, chosen = min(set(by) - {0}, key=lambda s: (abs(s - test), s)), set()
    while left:
        chosen.add(names[by[left]])
        left -= sizes[by[left]]
    is_test = np.array([name in chosen for name in patients])
    return [(x[~is_test], y[~is_test]), (x[is_test], y[is_test])]


def keep_first(source: Source, part: Part, limit: int, stream: int) -> Part:
    x, y = part
    if limit == 0:
        return x, y
    if limit > len(y):
        raise Failure(DATA, f"the limit is {limit}, but there are {len(y)} images")
    order = random_order(source["split_seed"], SPLIT, stream, len(y))[:limit]
    return x[order], y[order]


def load_synthetic(source: Source) -> Parts:
    """Per class a picture of flat 4 x 4 tiles; an image is its class's picture plus noise."""
    seed, classes, count = source["split_seed"], source["classes"], source["count"]
    h, w, c = source["height"], source["width"], source["channels"]
    down, across = -(-h // 4), -(-w // 4)
    tiles = down * across * c
    means = np.stack([words(seed, SYNTHETIC, k + 1, tiles) for k in range(classes)]) % 128 + 64
    means = means.reshape(classes, down, across, c)
    means = means.repeat(4, axis=1)[:, :h].repeat(4, axis=2)[:, :, :w]
    draws = -(-(h * w * c) // 16)
    noise = philox(seed, SYNTHETIC, 0, count * draws).astype("<u4").tobytes()
    noise = np.frombuffer(noise, np.uint8).reshape(count, -1)[:, : h * w * c]
    noise = noise.reshape(count, h, w, c)
    y = np.arange(count) % classes
    return split(source, (means[y] + noise // 2 - 64).astype(np.uint8), y)


def load(source: Source) -> tuple[Parts, int, float]:
    """[(images u8 or f32 [n,H,W,C], labels i64 [n])] for training and testing, the number of
    classes, and the scale that pixels are multiplied by."""
    loaders = {"idx": load_idx, "npy": load_npy, "png_tree": load_png_tree}
    loaders["synthetic"] = load_synthetic
    if source["type"] not in loaders:
        raise Failure(USAGE, f"data sets of type {source['type']} cannot be read here")
    parts = loaders[source["type"]](source)
    for x, y in parts:
        if len(x) != len(y) or len(y) == 0 or x.ndim not in (3, 4):
            raise Failure(DATA, f"images {x.shape} and labels {y.shape} do not match")
    classes = 1 + max(int(y.max()) for _, y in parts)
    divisor = source.get("scale") or (255 if parts[0][0].dtype == np.uint8 else 1)
    limits = source.get("limit", 0), source.get("test_limit", 0)
    parts = [keep_first(source, parts[i], limits[i], i + 1) for i in (0, 1)]
    if source.get("layout") == "nchw":
        parts = [(np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x, y) for x, y in parts]
    parts = [(x if x.ndim == 4 else x[..., None], y.astype(np.int64)) for x, y in parts]
    return parts, classes, 1 / divisor


def data_checksum(parts: Parts) -> str:
    """Identity of what is trained and tested on: the CRC-32 of each part, pixels and then labels."""

    def part_checksum(x: np.ndarray, y: np.ndarray) -> int:
        pixels = np.ascontiguousarray(x, x.dtype.newbyteorder("<"))
        return zlib.crc32(np.ascontiguousarray(y, "<i4"), zlib.crc32(pixels))

    return "".join(f"{part_checksum(x, y):08x}" for x, y in parts)


def data_members(parts: Parts) -> dict[str, Any]:
    """Members of `ready` on the data."""
    (_, train_labels), (_, test_labels) = parts
    return {"train_images": len(train_labels), "test_images": len(test_labels),
            "data_checksum": data_checksum(parts)}


# ---- the protocol -------------------------------------------------------------------------------


def process_age() -> float:
    """Seconds since this process was started, by the kernel's account where there is one."""
    try:
        with open("/proc/self/stat", encoding="utf-8") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):
        return time.monotonic() - STARTED


def processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = (line.split(":", 1)[1] for line in file if line.startswith("model name"))
            return next(names).strip()
    except (OSError, StopIteration):
        return "unknown processor"


def openmp_team(threads: int) -> Optional[int]:
    """Threads of a parallel region, measured in every OpenMP runtime of this process that is set to
    `threads` and has libgomp's entry points (LLVM's and Intel's do); None: there is none."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        paths = {line.split(maxsplit=5)[-1].strip() for line in file if LIBRARY.search(line)}
    teams = []
    for runtime in (ctypes.CDLL(path) for path in sorted(paths)):
        if not hasattr(runtime, "GOMP_parallel") or runtime.omp_get_max_threads() != threads:
            continue
        runtime.omp_set_dynamic(0)
        sizes = []
        body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: sizes.append(runtime.omp_get_num_threads()))
        runtime.GOMP_parallel(body, None, 0, 0)
        teams += sizes[:1]
    return min(teams, default=None)


def require_team(threads: int) -> int:
    """The measured team, or `threads` where it cannot be measured; a smaller one is a failure."""
    team = openmp_team(threads)
    if team is None or team >= threads:
        return threads
    names = ("OMP_THREAD_LIMIT", "OMP_MAX_ACTIVE_LEVELS", "KMP_DEVICE_THREAD_LIMIT", "KMP_ALL_THREADS")
    causes = [f"{name} is {os.environ[name]}" for name in names if name in os.environ]
    cause = ", ".join(causes) or "OMP_DISPLAY_ENV=true shows its settings"
    raise Failure(DATA, f"OpenMP gives a team of {team} of the {threads} threads asked for: {cause}; "
                        "unset it, or ask for fewer threads")


class Events:
    """The channel to the rank: one JSON object a line."""

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def send(self, kind: str, **members: Any) -> None:
        line = {"event": kind}
        for name, value in members.items():  # JSON knows no NaN: null stands for it
            bad = isinstance(value, float) and not math.isfinite(value)
            line[name] = None if bad else value
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()


def read_spec() -> dict[str, Any]:
    try:
        spec = json.load(sys.stdin)
        if spec["protocol"] not in PROTOCOLS:
            known = " and ".join(map(str, PROTOCOLS))
            raise Failure(USAGE, f"protocol {spec['protocol']} is not known here, only {known}")
        return spec
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(USAGE, f"the specification cannot be read: {error!r}")


def keep_weights(spec: dict[str, Any], tensors: Iterable[Any]) -> str:
    """The checksum of the final weights, for `done`. tensors: all parameters in the protocol's
    order and layouts. They go into a file if the specification asks for it (`weights_out`)."""
    flat = b"".join(np.ascontiguousarray(tensor, "<f4").tobytes() for tensor in tensors)
    if spec.get("weights_out"):
        with open(spec["weights_out"], "wb") as file:
            file.write(flat)
    return f"{fnv1a(flat):016x}"


def confine(threads: int) -> None:
    """Leaves this process the first `threads` of its cores, so that pools which frameworks size by
    the cores that they see are no larger. To be called before a framework is loaded."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < threads:
        raise Failure(DATA, f"{threads} threads are asked for, but the process may use {len(cores)} cores")
    os.sched_setaffinity(0, cores[:threads])


def thread_seconds() -> dict[str, float]:
    """{thread: CPU time in seconds} of this process."""
    times = {}
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/schedstat", encoding="utf-8") as file:
                times[task] = int(file.read().split()[0]) * 1e-9
        except OSError:  # it has ended
            pass
    return times


def measure_threads(work: Callable[[], object], tries: int = 8) -> int:
    """The most threads that shared one call of work(), of the tries: those with at least half of the
    CPU time of the busiest, so that a thread which only waits is not counted. For pools that are
    not OpenMP's."""
    work()  # makes the pool
    most = 1
    for _ in range(tries):
        before = thread_seconds()
        work()
        spent = [seconds - before.get(task, 0) for task, seconds in thread_seconds().items()]
        most = max(most, sum(s >= 0.5 * max(spent) for s in spent))
    return most


def choose_mode(spec: dict[str, Any], modes: Sequence[str]) -> str:
    """The specification's `mode`, of those that there are; the first one without it."""
    mode = spec.get("mode") or modes[0]
    if mode not in modes:
        raise Failure(USAGE, f"mode '{mode}' is not known here; there are {', '.join(modes)}")
    return mode


def conduct(spec: dict[str, Any], events: Events, run: Any) -> None:
    """Sends the events of a whole run. run: set up and warmed, with describe(), the members of
    `ready`; train_epoch(n) and evaluate(), those of `epoch`; tensors(), the final parameters in
    canonical order and layout."""
    events.send("ready", setup_seconds=process_age(), **run.describe())
    seconds, diverged = 0.0, False
    for epoch in range(spec["train"]["epochs"]):
        event = {"epoch": epoch, **run.train_epoch(epoch), **run.evaluate()}
        events.send("epoch", **event)
        seconds += event["seconds"]
        diverged = is_diverged(event)
        if diverged:
            break
    finish(spec, events, run.tensors(), seconds, diverged)


def is_diverged(event: dict[str, Any]) -> bool:
    return not (math.isfinite(event["train_loss"]) and math.isfinite(event["test_loss"]))


def finish(spec: dict[str, Any], events: Events, tensors: Iterable[Any], seconds: float, diverged: bool,
           **metrics: float) -> None:
    """Sends `done`, with metrics of the job by name."""
    checksum = keep_weights(spec, tensors)
    result = {"train_seconds": seconds, "diverged": diverged, "checksum": checksum}
    events.send("done", **result, total_seconds=process_age(), **metrics)


def main(train):
    """Reads the specification, calls train(spec, events), and returns the exit status. By hand,
    without CNN_EVENTS_FD, events go to standard output."""
    descriptor = os.environ.get("CNN_EVENTS_FD")
    try:  # a second file over descriptor 1 would close it before sys.stdout is flushed
        file = os.fdopen(int(descriptor), "w", encoding="utf-8") if descriptor else sys.stdout
    except (ValueError, OSError) as error:
        print(f"error: CNN_EVENTS_FD: {error}", file=sys.stderr)
        return USAGE
    events = Events(file)
    try:
        train(read_spec(), events)
        return 0
    except Failure as failure:
        message, status = str(failure), failure.status
    except Exception as error:  # whatever a framework throws becomes the run's error
        message, status = f"{type(error).__name__}: {error}", FAILED
    print(f"error: {message}", file=sys.stderr)
    events.send("error", message=message)
    return status
