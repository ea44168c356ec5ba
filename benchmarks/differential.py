"""Differential expression within subjects, 15,000 genes x 60 samples: tilseq beside PyDESeq2 and R's limma.

15 subjects at four visits; then with one sample missing, so that subjects are a correlation between samples. Each
program filters, normalises, fits and tests in a process of its own, after a run on some genes that warms it up; reading
is left out. PyDESeq2 has all processors and runs once. limma is R's package, with edgeR's filter and TMM factors.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

GENES, SUBJECTS, REPEATS = 15_000, 15, 5
VISITS = ("product", "D7", "D28", "M3")

TILSEQ = """
import json, sys, time
import numpy as np, polars as pl
from tilseq.expression import differential_expression
folder, missing, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
kept = [i for i in range(60) if not missing or i != 1]
counts = np.load(folder + '/counts.npy')[kept]
design = pl.read_csv(folder + '/design.csv')[kept]
genes = [f'g{i}' for i in range(counts.shape[1])]
def run(n):
    start, used = time.perf_counter(), time.process_time()
    subjects = 'correlated' if missing else 'fixed'
    found = differential_expression(counts[:, :n], genes[:n], design, 'visit:D28/D7', subjects=subjects, pooled=True)
    return time.perf_counter() - start, time.process_time() - used, found
run(300)
runs = [run(len(genes)) for _ in range(repeats)]
table = runs[0][2].table.filter(pl.col('p').is_not_null())
t = {gene: value for gene, value in table.select('gene', 't').iter_rows()}
print(json.dumps({'wall': [one[0] for one in runs], 'used': [one[1] for one in runs], 't': t}))
"""
PYDESEQ2 = """
import json, sys, time, warnings
import numpy as np, pandas as pd
warnings.simplefilter('ignore')
from pydeseq2.dds import DeseqDataSet
from pydeseq2.ds import DeseqStats
folder = sys.argv[1]
counts = pd.DataFrame(np.load(folder + '/counts.npy'))
counts.columns = [f'g{i}' for i in counts]
design = pd.read_csv(folder + '/design.csv')
kept = set(json.load(open(folder + '/kept.json')))
counts = counts[[gene for gene in counts if gene in kept]]
def run(n):
    start = time.perf_counter()
    data = DeseqDataSet(counts=counts.iloc[:, :n], metadata=design, design='~subject + visit', quiet=True)
    data.deseq2()
    stats = DeseqStats(data, contrast=['visit', 'D28', 'D7'], independent_filter=False, quiet=True)
    stats.summary()
    return time.perf_counter() - start, stats.results_df['stat']
run(300)
wall, z = run(counts.shape[1])
print(json.dumps({'wall': [wall], 'used': [], 't': z.dropna().to_dict()}))
"""
LIMMA = """
suppressMessages({library(limma); library(edgeR)})
arguments <- commandArgs(TRUE)
folder <- arguments[1]; missing <- as.integer(arguments[2]); repeats <- as.integer(arguments[3])
d <- read.csv(file.path(folder, 'design.csv'))
x <- matrix(readBin(file.path(folder, 'counts.bin'), 'integer', nrow(d) * 1e6), ncol = nrow(d))
rownames(x) <- paste0('g', seq_len(nrow(x)) - 1)
if (missing) { x <- x[, -2]; d <- d[-2, ] }
d$visit <- relevel(factor(d$visit), 'D7')
run <- function(x) {
  sizes <- colSums(x)
  expected <- rowSums(x) / sum(sizes) * min(tapply(sizes, d$visit, median))
  y <- DGEList(x)[filterByExpr(x, group = d$visit) & expected >= 10, , keep.lib.sizes = FALSE]
  y <- calcNormFactors(y)
  if (!missing) {
    m <- model.matrix(~ subject + visit, d)
    return(eBayes(lmFit(voom(y, m), m)))
  }
  m <- model.matrix(~ visit, d)
  c <- duplicateCorrelation(voom(y, m), m, block = d$subject)$consensus
  v <- voom(y, m, block = d$subject, correlation = c)
  c <- duplicateCorrelation(v, m, block = d$subject)$consensus
  eBayes(lmFit(v, m, block = d$subject, correlation = c))
}
fit <- run(x[1:300, ])
times <- sapply(seq_len(repeats), function(i) { s <- system.time(fit <<- run(x)); c(s[3], s[1] + s[2]) })
told <- list(wall = I(times[1, ]), used = I(times[2, ]), t = as.list(fit$t[, 'visitD28']))
cat(jsonlite::toJSON(told, auto_unbox = TRUE, digits = 15))
"""


def write(folder: Path) -> None:
    """Write counts of genes × samples, as R and Python read them, and their design."""
    import numpy as np

    random = np.random.default_rng(1)
    samples = SUBJECTS * len(VISITS)
    base = np.exp(random.normal(4, 1.8, GENES))
    person = np.repeat(random.normal(0, 0.3, (SUBJECTS, GENES)), len(VISITS), axis=0)
    change = np.tile(random.normal(0, 0.5, (len(VISITS), GENES)) * (random.random(GENES) < 0.2), (SUBJECTS, 1))
    mean = base * np.exp(person + change + random.normal(0, 0.3, (samples, 1)))
    size = 1 / random.gamma(4, 0.03, GENES)
    counts = random.negative_binomial(size, size / (size + mean))
    np.save(folder / "counts.npy", counts)
    counts.astype("<i4").tofile(folder / "counts.bin")  # by sample, as a column of R
    rows = [f"s{i},P{i // len(VISITS)},{VISITS[i % len(VISITS)]}" for i in range(samples)]
    (folder / "design.csv").write_text("sample,subject,visit\n" + "\n".join(rows) + "\n")


def told(command: list[str]) -> dict[str, dict[str, float] | list[float]]:
    """Return what a command prints, as JSON."""
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def agreement(program: str, programs: dict[str, dict]) -> str:
    """Return how far the statistics of another program are from those of tilseq."""
    from scipy.stats import spearmanr

    own, other = programs["tilseq"]["t"], programs[program]["t"]
    if program == "limma (R)":
        assert own.keys() == other.keys()
        return f"largest difference of t {max(abs(own[gene] - other[gene]) for gene in own):.1g}"
    if program == "PyDESeq2":
        both = sorted(own.keys() & other.keys())
        return f"rank correlation of t and z {spearmanr([own[g] for g in both], [other[g] for g in both])[0]:.4f}"
    return ""


def main() -> None:
    """Print the table of this benchmark."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        (folder / "limma.R").write_text(LIMMA)
        ours = [sys.executable, "-c", TILSEQ, name]
        rscript = ["Rscript", str(folder / "limma.R"), name]
        runs = {"tilseq": told([*ours, "0", str(REPEATS)])}
        missing = {"tilseq": told([*ours, "1", str(REPEATS)])}
        if shutil.which("Rscript"):
            runs["limma (R)"], missing["limma (R)"] = told([*rscript, "0", "3"]), told([*rscript, "1", "1"])
        (folder / "kept.json").write_text(json.dumps(list(runs["tilseq"]["t"])))
        runs["PyDESeq2"] = told([sys.executable, "-c", PYDESEQ2, name])
    heading = f"{GENES:,} genes x {SUBJECTS * len(VISITS)} samples"
    for title, programs in ((f"{heading}, subjects as levels", runs), ("one sample missing, correlated", missing)):
        print(f"| {title} | seconds | x tilseq | processor seconds | x tilseq | agreement with tilseq |\n|-|-|-|-|-|-|")
        base = [statistics.median(programs["tilseq"][key]) for key in ("wall", "used")]
        for program, found in programs.items():
            figures = [statistics.median(found[key]) if found[key] else None for key in ("wall", "used")]
            shown = [
                "" if figure is None else f"{figure:.2f} | {figure / own:.1f}"
                for figure, own in zip(figures, base, strict=True)
            ]
            print(f"| {program} | {' | '.join(one or ' | ' for one in shown)} | {agreement(program, programs)} |")
        print()


if __name__ == "__main__":
    main()
