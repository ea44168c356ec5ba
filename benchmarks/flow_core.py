"""Compensation and logicle of 1M x 20 float32 with 15 fluorochromes: tilseq beside FlowKit, flowutils and a limit.

The limit is what nothing in numpy can do without: one float32 matrix product over the 15 channels where they lie side
by side, and one float32 arcsinh of each value. Each run is a fresh process of one thread, and the contenders take
turns. Time is that of the processor, so that other work on the machine counts for little, of the second of two turns,
so that it does not hang on what fresh memory costs; it is without imports and without making the events, but with
making tilseq's table. Memory is the peak of the first turn above what the process held before,
FlowKit's with the Sample it works on. Medians.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys

SETTING = """
import json, sys, time
import numpy as np
events, channels, dyes = (int(text) for text in sys.argv[1:])
random = np.random.default_rng(1)
data = np.empty((events, channels), dtype=np.float32)
for first in range(0, events, 10_000):
    block = data[first : first + 10_000]
    block[:] = random.lognormal(6, 1.5, block.shape) + random.normal(0, 100, block.shape)
spill = np.eye(dyes) + random.uniform(0, 0.1, (dyes, dyes)) * (1 - np.eye(dyes))
names = [f"C{number}" for number in range(channels)]
begin = min(3, channels - dyes)
stains = list(range(begin, begin + dyes))
T, W, M, A = 262144, 0.5, 4.5, 0
def peak(anew=False):
    if anew:
        with open('/proc/self/clear_refs', 'w') as stream:
            stream.write('5')
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith('VmHWM'))
"""
REPORT = """
held = peak(anew=True)
run()
memory = peak() - held
first, second, shown = run()
print(json.dumps([first, second, memory, float(np.mean(shown, dtype=np.float64))]))
"""
# Each defines `run`, which returns the seconds of compensation and of logicle, and what some events show.
CONTENDERS = {
    "limit": """
side = np.ascontiguousarray(data[:, stains])
inverse = np.linalg.inv(spill).astype(np.float32)
del data
def run():
    begun = time.process_time()
    result = np.matmul(side, inverse)
    middle = time.process_time()
    np.arcsinh(result, out=result)
    return middle - begun, time.process_time() - middle, result[::1000].copy()
""",
    "tilseq": """
from tilseq.flow.compensation import compensate
from tilseq.flow.scales import Logicle
def run():
    begun = time.process_time()
    result = compensate(data, names, [names[place] for place in stains], spill)
    middle = time.process_time()
    scale = Logicle(T, W, M, A)
    for place in stains:
        scale.fast(result[:, place], out=result[:, place])
    return middle - begun, time.process_time() - middle, result[::1000, stains]
""",
    "flowutils": """
from flowutils.compensate import compensate
from flowutils.transforms import logicle
data = data.astype(np.float64)
def run():
    begun = time.process_time()
    result = compensate(data, spill, stains)
    middle = time.process_time()
    result = logicle(result, stains, T, M, W, A)
    return middle - begun, time.process_time() - middle, result[::1000, stains]
""",
    "flowkit": """
from flowkit import Matrix, Sample, transforms
matrix = Matrix(spill, [names[place] for place in stains])
def run():
    sample = Sample(data, sample_id="s", channel_labels=names)
    begun = time.process_time()
    sample.apply_compensation(matrix)
    middle = time.process_time()
    sample.apply_transform({names[place]: transforms.LogicleTransform(T, W, M, A) for place in stains})
    end = time.process_time()
    return middle - begun, end - middle, sample.get_events(source="xform")[::1000, stains]
""",
}
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def measure(name: str, numbers: list[str]) -> list[float]:
    """Return seconds of compensation and of logicle, bytes of peak memory and the mean of one fresh process."""
    command = [sys.executable, "-c", SETTING + CONTENDERS[name] + REPORT, *numbers]
    environment = {**os.environ, **ONE_THREAD}
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    figures: list[float] = json.loads(told.splitlines()[-1])
    return figures


def main() -> None:
    """Print the table of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--dyes", type=int, default=15)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    numbers = [str(number) for number in (arguments.events, arguments.channels, arguments.dyes)]
    here = [name for name in CONTENDERS if name == "limit" or importlib.util.find_spec(name)]
    runs: dict[str, list[list[float]]] = {name: [] for name in here}
    for _ in range(arguments.repeats):
        for name in here:
            runs[name].append(measure(name, numbers))
    means = {name: runs[name][0][3] for name in here if name != "limit"}
    if max(means.values()) - min(means.values()) > 1e-6:
        raise SystemExit(f"the contenders disagree on the mean displayed value: {means}")
    medians = {name: [statistics.median(column) for column in zip(*runs[name], strict=True)] for name in here}
    least, size = medians["limit"], 4 * arguments.events * arguments.channels
    print(f"| {arguments.events:,} x {arguments.channels} float32, {arguments.dyes} dyes |", end="")
    print(" compensation, s | logicle, s | both, s | both, x limit | tilseq is faster, x | peak memory, x events |")
    print("|-|-|-|-|-|-|-|")
    for name, (first, second, memory, _) in medians.items():
        both = first + second
        against = both / sum(medians["tilseq"][:2])
        print(
            f"| {name} | {first:.3f} | {second:.3f} | {both:.3f} | {both / sum(least[:2]):.1f} | {against:.1f} "
            f"| {memory / size:.2f} |"
        )


if __name__ == "__main__":
    main()
