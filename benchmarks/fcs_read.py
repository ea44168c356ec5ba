"""Reading a 1M x 20 float32 FCS file: tilseq beside numpy.fromfile (the limit), flowio and FlowKit (peers).

Each run is a fresh process that reads the file and sums every value. The readers take turns, so that a busy machine
slows all alike. Time is that of reading and summing, without imports; memory is the peak of the process above what
its imports took. Prints a Markdown table of medians, as ratios to numpy.fromfile and to the file's size.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HEADER = "FCS3.1{:>12}{:>8}{:>8}{:>8}{:>8}{:>8}"
READERS = {
    "numpy.fromfile": ("import numpy as np", "np.fromfile(path, '<f4', offset=offset)"),
    "tilseq": ("from tilseq.io.fcs import read_fcs", "read_fcs(path).events"),
    "flowio": ("import flowio", "flowio.FlowData(path).as_array(preprocess=False)"),
    "flowkit": (
        "import flowkit",
        "flowkit.Sample(path, sample_id='s').get_events(source='raw')",
    ),
}
CHILD = """
import json, sys, time
path, offset = sys.argv[1], int(sys.argv[2])
{imports}
import numpy
def peak():
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith('VmHWM'))
numpy.ones(1000).sum()
before, start = peak(), time.perf_counter()
events = {read}
events.sum()
seconds, memory = time.perf_counter() - start, peak() - before
print(json.dumps([seconds, memory, float(events.sum(dtype=numpy.float64))]))
"""


def write_example(path: Path, events: int, channels: int) -> int:
    """Write a float32 FCS 3.1 file and return the byte at which its DATA starts."""
    import numpy as np

    begin = 4096
    size = 4 * events * channels
    end = begin + size - 1
    pairs = {
        **{"$BEGINANALYSIS": 0, "$ENDANALYSIS": 0, "$BEGINSTEXT": 0, "$ENDSTEXT": 0, "$NEXTDATA": 0, "$MODE": "L"},
        **{"$BEGINDATA": begin, "$ENDDATA": end, "$DATATYPE": "F", "$BYTEORD": "1,2,3,4"},
        **{"$PAR": channels, "$TOT": events},
    }
    for number in range(1, channels + 1):
        pairs |= {f"$P{number}N": f"FL{number}-A", f"$P{number}B": 32, f"$P{number}E": "0,0", f"$P{number}R": 262144}
    text = "/" + "".join(f"{key}/{value}/" for key, value in pairs.items())
    header = HEADER.format(58, 57 + len(text), *((begin, end) if end <= 99_999_999 else (0, 0)), 0, 0)
    random = np.random.default_rng(1)
    with path.open("wb") as stream:
        stream.write((header + text).ljust(begin).encode())
        for first in range(0, events, 10_000):
            block = random.normal(1000, 300, (min(10_000, events - first), channels))
            stream.write(block.astype("<f4").tobytes())
    return begin


def measure(name: str, path: Path, offset: int) -> tuple[float, float, float]:
    """Return seconds, bytes of peak memory and the sum of all values of one fresh process."""
    imports, read = READERS[name]
    code = CHILD.format(imports=imports, read=read)
    command = [sys.executable, "-c", code, str(path), str(offset)]
    seconds, memory, total = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return seconds, memory, total


def main() -> None:
    """Print the table of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    here = [name for name in READERS if importlib.util.find_spec(name.partition(".")[0])]
    results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in here}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.fcs"
        offset = write_example(path, arguments.events, arguments.channels)
        size = path.stat().st_size
        for _ in range(arguments.repeats):
            for name in here:
                results[name].append(measure(name, path, offset))
    totals = {round(runs[0][2]) for runs in results.values()}
    if len(totals) > 1:
        raise SystemExit(f"the readers disagree on the sum of all values: {totals}")
    medians = {
        name: [statistics.median(column) for column in zip(*runs, strict=True)] for name, runs in results.items()
    }
    limit = medians["numpy.fromfile"][0]
    print(f"| {arguments.events:,} x {arguments.channels} float32 | time, x numpy.fromfile | peak memory, x file |")
    print("|-|-|-|")
    for name, (seconds, memory, _) in medians.items():
        print(f"| {name} | {seconds / limit:.2f} | {memory / size:.2f} |")


if __name__ == "__main__":
    main()
