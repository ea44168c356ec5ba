"""The sample study on two cores: its time by the clock, and where the processors' time goes, step by step."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
CORES = 2


def used() -> float:
    """Return the processor seconds of the processes that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def main() -> None:
    """Print the table of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "tilseq", "run", str(SAMPLE), "-o", str(out), "--cores", str(CORES)]
        begun, before = time.perf_counter(), used()
        subprocess.run(command, check=True, capture_output=True)
        clock, processors = time.perf_counter() - begun, used() - before
        statuses = [json.loads(path.read_text()) for path in (out / ".tilseq" / "work").glob("*/*/status.json")]
    steps = defaultdict(list)
    for status in statuses:
        steps[status["step"]].append(status["processor_seconds"])
    print("| step | jobs | processors, s | a job, s |\n|---|---|---|---|")
    for step, seconds in sorted(steps.items(), key=lambda item: -sum(item[1])):
        print(f"| {step} | {len(seconds)} | {sum(seconds):.1f} | {sum(seconds) / len(seconds):.2f} |")
    rest = processors - sum(map(sum, steps.values()))
    print(f"| planning, engine, tables, figures of the cohort, report | | {rest:.1f} | |")
    print(f"| all, {clock:.0f} s by the clock | {len(statuses)} | {processors:.1f} | |")


if __name__ == "__main__":
    main()
