"""Start-up: help of the commands beside a bare Python and Python with click."""

import statistics
import subprocess
import sys
import time

REPEATS = 15
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "tilseq --help": [sys.executable, "-m", "tilseq", "--help"],
    "tilseq flow --help": [sys.executable, "-m", "tilseq", "flow", "--help"],
    "tilseq run --help": [sys.executable, "-m", "tilseq", "run", "--help"],
}


def seconds(command: list[str]) -> float:
    """Return how long a command takes."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    """Print the table of this benchmark."""
    for command in COMMANDS.values():
        seconds(command)
    runs = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(REPEATS)]
    bare = "python -c 'import click'"
    print(f"| command | median s | × {bare} |\n|---|---|---|")
    for name in COMMANDS:
        median = statistics.median(run[name] for run in runs)
        ratio = statistics.median(run[name] / run[bare] for run in runs)
        print(f"| `{name}` | {median:.3f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
