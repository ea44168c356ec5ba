"""Scores of 100 gene sets in 50,000 cells beside scanpy, decoupler and pyucell; and a million cells within a limit.

Cells are drawn with as many genes as a T cell of 10x shows. Ours starts from raw counts and normalises them; the peers
are given what they need. scanpy takes one set at a time: it is timed on a few and the time taken that many times more.
decoupler and pyucell run where this Python has them: set TILSEQ_SCORES_PYTHON to one that has. The million cells are
scored in a process of its own, whose highest memory is told, counts and scores included.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

CELLS, GENES, SETS, SIZE = 50_000, 15_000, 100, 50
OF_SCANPY = 4
MILLION, FEW_GENES = 1_000_000, 2_000
PROGRAMS = ("tilseq mean", "tilseq ucell", "scanpy score_genes", "decoupler ulm", "pyucell")
PEERS = PROGRAMS[2:]


def made(cells, genes, per_cell, seed=0):
    """Return counts as csr: genes drawn by a long-tailed level, most counts 1."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(seed)
    edges = np.cumsum(rng.lognormal(0, 1.6, genes))
    parts, ends = [], [np.array([0])]
    for start in range(0, cells, 5_000):
        size = min(5_000, cells - start)
        drawn = np.searchsorted(edges, rng.random((size, 2 * per_cell)) * edges[-1]).astype(np.int64)
        flat = np.sort((drawn + np.arange(size)[:, None] * genes).ravel())
        first = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
        number = np.diff(np.r_[first, len(flat)]).astype(np.float32)
        parts.append((number, (flat[first] % genes).astype(np.int32)))
        ends.append(ends[-1][-1] + np.cumsum(np.bincount(flat[first] // genes, minlength=size)))
    data, indices = (np.concatenate(column) for column in zip(*parts, strict=True))
    return csr_matrix((data, indices, np.concatenate(ends)), shape=(cells, genes))


def gene_sets(genes, seed=1):
    """Return set → genes, drawn at random."""
    rng = np.random.default_rng(seed)
    return {f"s{i}": [f"G{g}" for g in rng.choice(genes, SIZE, replace=False)] for i in range(SETS)}


def seconds(program):
    """Return the seconds of one program, its imports and first call left out."""
    counts, names = made(CELLS, GENES, 1_500), [f"G{g}" for g in range(GENES)]
    sets = gene_sets(GENES)
    small = counts[:500]
    if program.startswith("tilseq"):
        from tilseq.expression import score

        method = program.removeprefix("tilseq ")
        return timed(lambda data: score(data, names, sets, method=method), small, counts)
    import anndata
    import pandas as pd

    def cells(data):
        return anndata.AnnData(data.copy(), var=pd.DataFrame(index=names))

    if program == "pyucell":
        import pyucell

        return timed(lambda data: pyucell.compute_ucell_scores(data, sets, n_jobs=1), cells(small), cells(counts))
    import scanpy

    inputs = [cells(small), cells(counts)]
    for one in inputs:
        scanpy.pp.normalize_total(one, target_sum=1e4)
        scanpy.pp.log1p(one)
    if program == "scanpy score_genes":
        few = list(sets.values())[:OF_SCANPY]
        return timed(lambda data: [scanpy.tl.score_genes(data, one) for one in few], *inputs) * SETS / OF_SCANPY
    import decoupler

    net = pd.DataFrame([(name, gene, 1.0) for name, one in sets.items() for gene in one])
    net.columns = ["source", "target", "weight"]
    return timed(lambda data: decoupler.mt.ulm(data, net, tmin=0), *inputs)


def timed(call, warm, data):
    """Return how long a call takes after a first, unmeasured one."""
    call(warm)
    start = time.perf_counter()
    call(data)
    return time.perf_counter() - start


def million():
    """Return seconds and highest memory of scoring a million cells by both methods."""
    from tilseq.expression import score

    counts, names = made(MILLION, FEW_GENES, 400), [f"G{g}" for g in range(FEW_GENES)]
    told = {"entries": counts.nnz, "before": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}
    for method in ("mean", "ucell"):
        start = time.perf_counter()
        score(counts, names, gene_sets(FEW_GENES), method=method)
        told[method] = time.perf_counter() - start
    return told | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def of_child(what, python=sys.executable):
    """Return what a process of its own measures."""
    root = Path(__file__).parents[1]
    command = [python, "-m", "benchmarks.scores", what]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the tables."""
    peer = os.environ.get("TILSEQ_SCORES_PYTHON", sys.executable)
    print(f"| {CELLS:,} cells × {GENES:,} genes, {SETS} sets | seconds | × tilseq mean |\n|---|---|---|")
    ours = None
    for program in PROGRAMS:
        try:
            took = of_child(program, peer if program in PEERS else sys.executable)
        except subprocess.CalledProcessError as error:
            print(f"| {program} | not run: {error.stderr.splitlines()[-1]} | |", flush=True)
            continue
        ours = ours or took
        print(f"| {program} | {took:.1f} | {took / ours:.1f} |", flush=True)
    told = of_child("million")
    print(f"\n{MILLION:,} cells × {FEW_GENES:,} genes, {told['entries']:,} counts above 0, {SETS} sets:")
    print(f"mean {told['mean']:.0f} s, ucell {told['ucell']:.0f} s, at most {told['memory']:.1f} GB")


if __name__ == "__main__":
    print(json.dumps(million() if sys.argv[1] == "million" else seconds(sys.argv[1])))
