"""Tests of 1,000 gene sets in 15,000 genes: tilseq beside gseapy and fgsea.

Every program is a fresh process that starts the clock with its data in memory. tilseq runs on one thread, gseapy's
permutations and both multilevel tests on two. fgsea is R's: TILSEQ_FGSEA names the R library that it is installed in;
it is left out where that is not set. 1,000 permutations each; of 11 subjects all 1,024 flips. The programs
take turns, gseapy's permutations once.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPEATS = 2
GENES, SETS, PERMUTATIONS = 15_000, 1_000, 1_000
LOAD = """
import json, sys, time
import numpy as np
folder = sys.argv[1]
genes = [f'G{i:05d}' for i in range(15_000)]
sets = {name: members for name, members in json.load(open(folder + '/sets.json')).items()}
differences = np.load(folder + '/differences.npy')
ranks = differences.mean(axis=0) / differences.std(axis=0)
"""
TIMED = "\nprint(json.dumps([time.perf_counter() - start, time.process_time() - used]))"
START = "\nstart, used = time.perf_counter(), time.process_time()\n"
GSEAPY = """
import gseapy, pandas as pd
table = pd.Series(ranks, index=genes).sort_values(ascending=False)
few = dict(list(sets.items())[:2])
gseapy.prerank(table, few, permutation_num=10, threads=2, no_plot=True, outdir=None, seed=1, method='METHOD')
START
gseapy.prerank(table, sets, permutation_num=1000, threads=2, no_plot=True, outdir=None, seed=1, method='METHOD')
""".replace("START", START)
PROGRAMS = {
    "tilseq, sign flips (11 subjects)": f"""
from tilseq.expression import sign_flip_gsea
sign_flip_gsea(differences[:3], genes, sets, contrast='x', seed=1)
{START}
sign_flip_gsea(differences, genes, sets, contrast='x', seed=1)
""",
    "tilseq, permutations of genes": f"""
from tilseq.expression import preranked
preranked(ranks, genes, sets, seed=1, engine='permutation', permutations=10)
{START}
preranked(ranks, genes, sets, seed=1, engine='permutation', permutations=1000)
""",
    "gseapy, multilevel": GSEAPY.replace("METHOD", "multilevel"),
    "gseapy, permutations of genes": GSEAPY.replace("METHOD", "permutation"),
}
FGSEA = """
.libPaths(c(Sys.getenv('TILSEQ_FGSEA'), .libPaths()))
suppressMessages(library(fgsea))
folder <- commandArgs(TRUE)[1]
table <- read.table(file.path(folder, 't.rnk'))
ranks <- sort(setNames(table[[2]], table[[1]]), decreasing = TRUE)
sets <- gmtPathways(file.path(folder, 'sets.gmt'))
set.seed(1)
used <- system.time(invisible(fgsea(sets, ranks, nproc = 2)))
cat(sprintf('[%f, %f]', used[['elapsed']], sum(used[c('user.self', 'sys.self', 'user.child', 'sys.child')])))
"""


def write_trial(folder: Path) -> None:
    """Write differences of 11 subjects, their ranks, and sets of 15 to 500 genes."""
    import numpy as np

    rng = np.random.default_rng(1)
    genes = [f"G{i:05d}" for i in range(GENES)]
    sizes = np.clip(np.exp(rng.normal(4.2, 0.8, SETS)), 15, 500).astype(int)
    sets = {f"S{i}": [genes[j] for j in rng.choice(GENES, size, replace=False)] for i, size in enumerate(sizes)}
    data = rng.standard_normal((11, GENES)) * np.sqrt(6 / rng.chisquare(6, GENES))
    np.save(folder / "differences.npy", data)
    (folder / "sets.json").write_text(json.dumps(sets))
    (folder / "sets.gmt").write_text("".join("\t".join([name, "", *of]) + "\n" for name, of in sets.items()))
    ranks = data.mean(axis=0) / data.std(axis=0)
    (folder / "t.rnk").write_text("".join(f"{gene}\t{rank}\n" for gene, rank in zip(genes, ranks, strict=True)))


def run(name: str, folder: Path) -> list[float]:
    """Return seconds and processor seconds."""
    if name == "fgsea, multilevel":
        (folder / "fgsea.R").write_text(FGSEA)
        command = ["Rscript", str(folder / "fgsea.R"), str(folder)]
    else:
        command = [sys.executable, "-c", LOAD + PROGRAMS[name] + TIMED, str(folder)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(told[told.rindex("[") :])


def main() -> None:
    """Print seconds of each program, and as ratios to tilseq's two."""
    names = [*PROGRAMS, *(["fgsea, multilevel"] if "TILSEQ_FGSEA" in os.environ else [])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_trial(folder)
        runs: dict[str, list[list[float]]] = {program: [] for program in names}
        for turn in range(REPEATS):
            for program in names:
                if turn == 0 or program != "gseapy, permutations of genes":
                    runs[program].append(run(program, folder))
    middle = {program: [statistics.median(one[i] for one in told) for i in range(2)] for program, told in runs.items()}
    flips, genes = (middle[program] for program in names[:2])
    print(
        f"| {GENES:,} genes x {SETS:,} sets x {PERMUTATIONS:,} permutations | seconds | processor seconds "
        "| x sign flips (processor) | x permutations (processor) |\n|-|-|-|-|-|"
    )
    for program, (wall, used) in middle.items():
        print(
            f"| {program} | {wall:.1f} | {used:.1f} | {wall / flips[0]:.1f} ({used / flips[1]:.1f}) "
            f"| {wall / genes[0]:.1f} ({used / genes[1]:.1f}) |"
        )


if __name__ == "__main__":
    main()
