"""Simulating and writing a tube of 1,000,000 events: seconds and peak memory, one fresh process a panel."""

import json
import subprocess
import sys

CHILD = """
import json, resource, sys, tempfile, time
from pathlib import Path
from tilseq.simulate.files import write_tube
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.streams import stream
panel = PANELS[sys.argv[1]]
cells = dict.fromkeys(panel.looks, 1.0)
begun = time.perf_counter()
tube = acquire(stream(1, "benchmark"), panel, cells, 1_000_000)
made = time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    write_tube(Path(folder) / "tube.fcs", tube, "benchmark")
written = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([len(panel.channels), made - begun, written - made, peak]))
"""


def main() -> None:
    print("| panel | channels | made, s | written, s | peak memory, MB |")
    print("|---|---|---|---|---|")
    for panel in ("tbnk", "t_state"):
        child = subprocess.run([sys.executable, "-c", CHILD, panel], check=True, capture_output=True, text=True)
        channels, made, written, peak = json.loads(child.stdout)
        print(f"| {panel} | {channels} | {made:.1f} | {written:.1f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
