"""Ask the run's warm process for one job: a script of its own, so light that 200 of it cost next to nothing.

Where nobody takes it (a job on a cluster's node, another system than Linux), it becomes `tilseq step`.
"""

import os
import socket
import sys

DOOR = "warm.sock"  # within the run's folder, where Snakemake starts jobs: a whole path may be too long for a socket
TAKEN, DONE = b"taken", b"done"


def main(folder: str) -> None:
    """Have a job run, and end when it has left its status."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(DOOR)
            line.sendall(folder.encode() + b"\n")
            taken = line.recv(len(TAKEN))
        except OSError:
            taken = b""
        if not taken:
            os.execv(sys.executable, [sys.executable, "-m", "tilseq", "step", ".", folder])
        sys.exit(0 if line.recv(len(DONE)) == DONE else 1)


if __name__ == "__main__":
    main(sys.argv[1])
