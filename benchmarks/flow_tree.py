"""A tube from file to counts: tilseq beside FlowKit, which is given the very gates that tilseq found.

1,000,000 events × 18 channels, 14 dyes. Each run is a fresh process. tilseq reads, compensates, finds the scale and the
cuts of every channel, gates the whole tree and counts it with its limits; FlowKit reads, compensates, transforms by
logicle and applies the same gates from GatingML. Time is that of processors, so that other work on the machine counts
little, without imports (they are told beside it); memory is the peak above what imports took.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tilseq.flow.export import export_gates
from tilseq.flow.gating import gate
from tilseq.io.fcs import read_fcs
from tilseq.io.gatingml import id_of, write_gatingml
from tilseq.simulate import files
from tilseq.simulate.cytometry.panels import PANELS
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.streams import stream

EVENTS, REPEATS = 1_000_000, 3
TILSEQ = """
from tilseq.io.fcs import read_fcs
from tilseq.flow.gating import gate
from tilseq.flow.counts import cd4_cd8_ratio, count
import polars, scipy.special
from tilseq.tables.outputs import COUNTS
def work():
    gating = gate(read_fcs(path), sample="tube")
    cd4_cd8_ratio(gating)
    return dict(count(gating).select("population", "events").rows())
"""
FLOWKIT = """
import flowkit
def work():
    sample = flowkit.Sample(path, sample_id="tube")
    sample.apply_compensation(sample.metadata["spillover"])
    sample.apply_transform(flowkit.transforms.LogicleTransform(param_t=262144, param_w=0.5, param_m=4.5, param_a=0))
    report = flowkit.parse_gating_xml(gates).gate_sample(sample).report
    return dict(zip(report["gate_name"], report["count"].tolist()))
"""
CONTENDERS = {"tilseq": TILSEQ, "flowkit": FLOWKIT}
CHILD = """
import json, sys, time
path, gates = sys.argv[1:]
began = time.process_time()
{work}
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
imported, before, start = time.process_time() - began, peak(), time.process_time()
counts = work()
print(json.dumps([time.process_time() - start, peak() - before, imported, counts]))
"""


def write_example(folder: Path) -> tuple[Path, Path]:
    """Write the tube, and the gates that tilseq finds in it as GatingML."""
    panel = PANELS["t_state"]
    cells = dict.fromkeys(panel.looks, 0.0)
    cells |= {kind: 100.0 if kind.startswith("CD4") else 70.0 for kind in cells if kind.startswith(("CD4", "CD8"))}
    cells |= {"DN T": 30.0, "DP T": 10.0, "B": 150.0, "NK": 200.0, "monocyte": 200.0}
    path, gates = folder / "tube.fcs", folder / "gates.xml"
    files.write_tube(path, acquire(stream(1, "flow_tree"), panel, cells, EVENTS), "tube")
    tube = read_fcs(path)
    write_gatingml(gates, export_gates(gate(tube, sample="tube"), tube).gates)
    return path, gates


def run(work: str, path: Path, gates: Path) -> tuple[float, float, float, dict[str, int]]:
    """Return seconds, bytes, seconds of imports and the counts of one fresh process."""
    command = [sys.executable, "-c", CHILD.format(work=work), str(path), str(gates)]
    seconds, memory, imported, counts = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return seconds, memory, imported, counts


def main() -> None:
    """Print the table of medians."""
    with tempfile.TemporaryDirectory() as folder:
        path, gates = write_example(Path(folder))
        size = path.stat().st_size
        found: dict[str, list[tuple[float, float, float, dict[str, int]]]] = {name: [] for name in CONTENDERS}
        for _ in range(REPEATS):  # in turn
            for name, work in CONTENDERS.items():
                found[name].append(run(work, path, gates))
    medians = {name: [statistics.median(one[i] for one in runs) for i in range(3)] for name, runs in found.items()}
    ours, theirs = found["tilseq"][0][3], found["flowkit"][0][3]
    same = [name for name, number in ours.items() if theirs.get(id_of(name)) == number]
    print(f"{len(same)} of {len(ours)} populations have the very same count in both: {', '.join(same)}\n")
    print("| | s | x tilseq | peak memory, x file | imports, s |", "|-|-|-|-|-|", sep="\n")
    for name, (seconds, memory, imported) in medians.items():
        print(
            f"| {name} | {seconds:.2f} | {seconds / medians['tilseq'][0]:.1f} | {memory / size:.2f} | {imported:.2f} |"
        )


if __name__ == "__main__":
    main()
