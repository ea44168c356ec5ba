"""The command line, run as a person runs it."""

import subprocess
import sys


def tilseq(*arguments, **options):
    """Run tilseq in a process of its own; returns the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "tilseq", *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )
