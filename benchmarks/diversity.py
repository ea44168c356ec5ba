"""Diversity of 60 samples of 50,000 clonotypes, and rarefaction with limits, beside hillrep and vdjtools.

Peers live in environments of their own: `HILLREP_PYTHON` and `VDJTOOLS_PYTHON` name their interpreters; one that is not
named is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

SAMPLES, CLONES, REPEATS, SEED = 60, 50_000, 3, 7
KNOTS, DRAWS = 10, 20

TIMED = """
import json, sys, time
import numpy as np
samples = np.load(sys.argv[1])
counts = [row for row in samples]
{setup}
figures = {{}}
for name, work in WORK.items():
    work(counts[:1])
    begun = time.process_time()
    work(counts[: int(sys.argv[2]) if name.startswith("rarefaction") else None])
    figures[name] = time.process_time() - begun
print(json.dumps(figures))
"""
OURS = """
import polars as pl
from tilseq.repertoire import diversity, rarefaction
from tilseq.repertoire.diversity import measured
from tilseq.repertoire.spectrum import spectrum
names = [f"TGTGCC{n:06d}TTC" for n in range(samples.shape[1])]
def tables(rows):
    return [pl.DataFrame({"locus": "TRB", "junction": names, "duplicate_count": row}) for row in rows]
made = tables(counts)
def of_tables(rows):
    for table in made[: len(rows)]:
        diversity(table, sample="s", count_of="cells")
def of_counts(rows):
    for row in rows:
        measured(spectrum(row), int(row.sum()))
def without_limits(rows):
    for row in rows:
        measured(spectrum(row), None)
def curves(rows):
    for table in made[: len(rows)]:
        rarefaction(table, sample="s", count_of="cells", points=KNOTS)
WORK = {"indices of tables": of_tables, "indices of counts": of_counts, "indices without limits": without_limits,
        "rarefaction": curves}
""".replace("KNOTS", str(KNOTS))
HILLREP = """
import hillrep
def indices(rows):
    for row in rows:
        counts = hillrep.AbundanceCounts(row)
        for q in (0, 1, 2):
            hillrep.observed_hill(counts, q), hillrep.asymptotic_hill(counts, q)
WORK = {"indices of counts": indices}
"""
VDJTOOLS = """
import polars as pl
from vdjtools.stats import diversity_stats, inext
names = [f"CASS{n}F" for n in range(samples.shape[1])]
nt = [f"TGTGCC{n:06d}TTC" for n in range(samples.shape[1])]
def indices(rows):
    for row in rows:
        diversity_stats(pl.DataFrame({"junction_nt": nt, "junction_aa": names, "duplicate_count": row,
                                      "v_call": "TRBV9*01", "j_call": "TRBJ1-1*01"}))
def curves(rows):
    for row in rows:
        n = int(row.sum())
        inext(row, sizes=np.linspace(1, 2 * n, KNOTS).astype(int).tolist(), nboot=DRAWS)
WORK = {"indices of tables": indices, "rarefaction": curves}
""".replace("KNOTS", str(KNOTS)).replace("DRAWS", str(DRAWS))


def samples() -> np.ndarray:
    """Return counts of shape (samples, clones): clone sizes of a Pareto law, each clone seen."""
    rng = np.random.default_rng(SEED)
    return np.minimum(1 / rng.random((SAMPLES, CLONES)), 20_000).astype(np.int64)


def seconds(python: str, setup: str, data: Path, curves: int) -> dict[str, float]:
    """Return seconds of the processor of each piece of work in a process of its own, one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    command = [python, "-c", TIMED.format(setup=setup), str(data), str(curves)]
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]) if setup is OURS else ""
    ran = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **threads, "PYTHONPATH": path}
    )
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def main() -> None:
    """Print seconds of each program, and each beside ours."""
    programs = {"tilseq": (sys.executable, OURS, SAMPLES)}
    for name, setup, curves in (("hillrep", HILLREP, 0), ("vdjtools", VDJTOOLS, 2)):
        if python := os.environ.get(f"{name.upper()}_PYTHON"):
            programs[name] = (python, setup, curves)
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "samples.npy"
        np.save(data, samples())
        for _ in range(REPEATS):
            for name, (python, setup, curves) in programs.items():
                for work, spent in seconds(python, setup, data, curves).items():
                    each = spent / (curves if work == "rarefaction" else SAMPLES)
                    found.setdefault((work, name), []).append(each)
    print("| work, a sample | program | ms | × tilseq |\n|---|---|---|---|")
    for (work, name), spent in sorted(found.items()):
        ours = found.get((work, "tilseq"))
        ratio = f"{median(spent) / median(ours):.2f}" if ours else ""
        print(f"| {work} | {name} | {1000 * median(spent):.1f} | {ratio} |")


if __name__ == "__main__":
    main()
