"""Simulating: a large TCR trial, tubes of 1,000,000 events, and the default trial; each in a fresh process.

Memory is the peak, over looks 20 times a second, of the resident memory of the process and its children together:
what they share counts as often as it is shared.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SIMULATE = [sys.executable, "-m", "tilseq", "simulate", "--cores", "2"]
TUBE = """
import sys
from pathlib import Path
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import write_tube
from tilseq.simulate.streams import stream
panel = PANELS[sys.argv[1]]
tube = acquire(stream(1, "benchmark"), panel, dict.fromkeys(panel.looks, 1.0), 1_000_000)
write_tube(Path(sys.argv[2]) / "tube.fcs", tube, "benchmark")
"""
TASKS = {
    "20 subjects × 8 visits, TCR, 100,000 templates": [
        *SIMULATE,
        *("--subjects", "20", "--assays", "tcr", "--depth", "100000"),
    ],
    "FCS, 1,000,000 × 10, 16-bit": [sys.executable, "-c", TUBE, "tbnk"],
    "FCS, 1,000,000 × 18, float32": [sys.executable, "-c", TUBE, "t_state"],
    "4 subjects × 8 visits, everything": SIMULATE,
}
SECONDS_BETWEEN_LOOKS = 0.05


def resident(process: psutil.Process) -> int:
    """Return the resident bytes of a process and its descendants; one that has just ended has none."""
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def measure(command: list[str]) -> tuple[float, float, float, float]:
    """Run a command that takes a folder last; return seconds, seconds of processors, peak GB and MB written."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun, peak = time.perf_counter(), 0
        child = psutil.Popen([*command, folder], stderr=subprocess.DEVNULL)
        while child.poll() is None:
            peak = max(peak, resident(child))
            time.sleep(SECONDS_BETWEEN_LOOKS)
        seconds = time.perf_counter() - begun
        if child.returncode:
            raise SystemExit(f"{command} ended with {child.returncode}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return seconds, busy, peak / 1e9, size / 1e6


def main() -> None:
    """Print the table of this benchmark."""
    print("| task | s | of processors, s | peak of all processes, GB | written, MB |")
    print("|---|---|---|---|---|")
    for task, command in TASKS.items():
        seconds, busy, peak, size = measure(command)
        print(f"| {task} | {seconds:.1f} | {busy:.1f} | {peak:.2f} | {size:.0f} |", flush=True)


if __name__ == "__main__":
    main()
