"""What the engine adds: `tilseq run` on the sample study beside the same jobs in a loop, and resuming it."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
REPEATS = 3


def seconds(command: list[str]) -> float:
    """Return how long a command takes."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def once(folder: Path) -> dict[str, float]:
    """Return seconds of a run, of the same run again, and of its jobs one by one in a loop."""
    tilseq = [sys.executable, "-m", "tilseq"]
    run = [*tilseq, "run", str(SAMPLE), "-o", str(folder / "out"), "--cores", "1"]
    figures = {"tilseq run": seconds(run), "again, all trusted": seconds(run)}
    home = folder / "out" / ".tilseq"
    jobs = [job["folder"] for job in json.loads((home / "plan.json").read_text())["jobs"]]
    shutil.rmtree(home / "work")
    begun = time.perf_counter()
    for job in jobs:
        subprocess.run([*tilseq, "step", str(home), job], check=True, capture_output=True)
    figures["jobs in a loop"] = time.perf_counter() - begun
    figures["jobs"] = len(jobs)
    return figures


def main() -> None:
    """Print the table of this benchmark."""
    print("| run | jobs | tilseq run, s | again, all trusted, s | jobs in a loop, s | engine adds, s |")
    print("|---|---|---|---|---|---|")
    for number in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            told = once(Path(folder))
        # Running again does all that is not a job (reading, hashing, tables, figures, report): it is not the engine's.
        adds = told["tilseq run"] - told["again, all trusted"] - told["jobs in a loop"]
        print(
            f"| {number + 1} | {told['jobs']:.0f} | {told['tilseq run']:.1f} | {told['again, all trusted']:.1f} "
            f"| {told['jobs in a loop']:.1f} | {adds:.1f} |"
        )


if __name__ == "__main__":
    main()
