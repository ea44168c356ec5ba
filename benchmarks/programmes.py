"""Programmes that truly change from product to blood: how many are found by their gene sets, and their sign.

`python -m benchmarks.programmes [TRIALS]`: simulated trials a row (6) of eight subjects, at three numbers of cells a
library. Cells are read from their files, called CD4 and CD8 T cells, summed by subject and visit, and eleven axes, one
for each programme of the simulator, tested by flips of subjects' signs at q < 0.05. The truth is the mean level of each
programme in the T cells of the library. A programme is taken to change where the 99 % limits of the mean over subjects
of its true difference leave 0 out. AUC is that of the absolute statistic, of programmes that change against the others.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from scipy.special import stdtrit

import tilseq as ts
from tilseq.simulate import Design, simulate_trial

CELLS, TRIALS, SUBJECTS = (50, 200, 800), 6, 8
CONTRAST = "visit:D28/product"
AXIS_OF = {
    "proliferation": "proliferation",
    "glycolysis": "glycolysis",
    "il2_response": "il2_stat5",
    "activation": "activation",
    "effector": "cytotoxic_effector",
    "exhaustion_terminal": "exhaustion_terminal",
    "exhaustion_progenitor": "exhaustion_progenitor",
    "oxphos": "oxidative_phosphorylation",
    "hypoxia": "hypoxia",
    "fatty_acid_oxidation": "fatty_acid_oxidation",
    "stem_like_memory": "stem_like_memory",
}


def trial(cells: int, seed: int) -> pl.DataFrame:
    """Return one row a programme: its true mean difference, whether it changes, and what its axis was told to do."""
    with TemporaryDirectory() as folder:
        design = Design(seed=seed, subjects=SUBJECTS, visits=["D28"], assays=["scrna"], single_cells=cells)
        simulate_trial(folder, design)
        study = ts.read_study(folder)
        samples = [
            row for row in study.available("scrna") if row["visit"] == "D28" or row["specimen"] == "infusion_product"
        ]
        parts, truths = [], []
        for row in samples:
            visit = "product" if row["specimen"] == "infusion_product" else "D28"
            data = ts.io.read_h5ad(study.files(row["sample"])[0])
            types = ts.expression.call_cell_types(data.X, list(data.var_names)).types
            data.obs["subject"], data.obs["visit"] = row["subject"], visit
            parts.append(data[types != "unclear"])
            truth = pl.read_csv(Path(folder) / "truth" / "cells" / f"{row['sample']}.csv.gz", infer_schema_length=None)
            of_t_cells = truth.filter(pl.col("lineage").is_in(["CD4", "CD8"])).select(pl.col(list(AXIS_OF)).mean())
            truths.append(of_t_cells.with_columns(subject=pl.lit(row["subject"]), visit=pl.lit(visit)))
    from anndata import concat

    found = ts.expression.pseudobulk(concat(parts, index_unique="|"), minimum_cells=1)
    sums = found.groups.filter("kept").select("subject", "visit", sample="group")
    names = list(found.data.var_names)
    signatures = ts.expression.gene_lists(ts.expression.load_signatures())
    sets = {axis: signatures[axis] for axis in AXIS_OF.values()}
    given = (found.data.X, names, sums["sample"].to_list(), sums, CONTRAST, sets)
    table = ts.expression.gsea(*given, smallest=5).table
    levels = pl.concat(truths).unpivot(index=["subject", "visit"], variable_name="programme")
    levels = levels.group_by("subject", "visit", "programme").agg(pl.col("value").mean())
    wide = levels.pivot("visit", values="value").with_columns(change=pl.col("D28") - pl.col("product"))
    half = stdtrit(SUBJECTS - 1, 0.995) * pl.col("change").std() / np.sqrt(SUBJECTS)
    truth = wide.group_by("programme").agg(true=pl.col("change").mean(), half=half)
    truth = truth.with_columns(changes=pl.col("true").abs() > pl.col("half"))
    return truth.with_columns(set=pl.col("programme").replace_strict(AXIS_OF)).join(table, on="set")


def auc(values: np.ndarray, changes: np.ndarray) -> float:
    """Return the chance that a programme that changes has the larger value, ties counting half."""
    higher = values[changes][:, None] - values[~changes][None, :]
    return float(((higher > 0) + 0.5 * (higher == 0)).mean()) if higher.size else float("nan")


def main() -> None:
    """Print the table of this benchmark."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    print("| cells a library | programmes that change | found | called | right sign | AUC |")
    print("|-|-|-|-|-|-|")
    for cells in CELLS:
        rows = pl.concat(
            [trial(cells, 100 + seed).select("true", "changes", "statistic", "q") for seed in range(trials)]
        )
        called = rows.filter(pl.col("q") < 0.05)
        right = (called["true"].sign() == called["statistic"].sign()).sum()
        changing = rows.filter("changes")
        found = changing.filter((pl.col("q") < 0.05) & (pl.col("true").sign() == pl.col("statistic").sign())).height
        area = auc(rows["statistic"].abs().fill_null(0).to_numpy(), rows["changes"].to_numpy())
        share = f"{found / max(changing.height, 1):.0%}"
        print(
            f"| {cells} | {changing.height} of {rows.height} | {share} | {called.height} | {right} of {called.height} |"
            f" {area:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
