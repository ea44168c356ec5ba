"""PyDESeq2 as the other engine, held against R's DESeq2."""

from pathlib import Path

import numpy as np
import polars as pl

from tilseq.expression.contrasts import parse_contrast
from tilseq.expression.deseq2 import fit_deseq2
from tilseq.expression.differential import differential_expression
from tilseq.expression.normalise import expressed_genes
from tilseq.expression.paired_model import paired_model

TABLE = pl.read_csv(Path(__file__).parents[1] / "oracles" / "differential_counts.tsv", separator="\t").drop("P3_D7")
SAMPLES = TABLE.columns[1:]
# tests/oracles/differential.R, by DESeq2 with ~ subject + visit: log2 fold change, its standard error, z, p
DESEQ2 = {
    "gene011": (1.8459048391779929, 0.208148656005906, 8.868204458286863, 7.43347513679543e-19),
    "gene012": (-1.4795774638326051, 0.287701672119108, -5.142748920903251, 2.70747356360335e-07),
    "gene020": (-2.0256547944716701, 0.204413143184584, -9.910, 3.78114317941462e-23),
    "gene035": (-2.1057857390995696, 0.721984088226209, -2.916665025503709, 3.53795509194704e-03),
    "gene050": (-0.0916115900006323, 0.307788292476770, -0.297644817037823, 7.65974264934325e-01),
    "gene100": (0.0691653365016867, 0.226805318599670, 0.304954649779484, 7.60400692320682e-01),
}


def test_subjects_as_levels_give_deseq2s_numbers():
    design = pl.DataFrame(
        {
            "sample": SAMPLES,
            "subject": [name.split("_")[0] for name in SAMPLES],
            "visit": [name.split("_")[1] for name in SAMPLES],
        }
    )
    counts, genes = TABLE.drop("gene").to_numpy().T.astype(float), TABLE["gene"].to_list()
    kept = expressed_genes(counts, counts.sum(axis=1), smallest_group=3)  # those that R was given
    model = paired_model(design, parse_contrast("visit:D28/product"), len(counts), pooled=True)
    fit = fit_deseq2(counts[:, kept], model)
    place = {gene: i for i, gene in enumerate(np.array(genes)[kept])}
    for gene, (change, error, z, p) in DESEQ2.items():
        i = place[gene]
        np.testing.assert_allclose(fit.change[i], change, rtol=1e-3)
        np.testing.assert_allclose(fit.upper[i] - fit.lower[i], 2 * 1.959963984540054 * error, rtol=1e-3)
        np.testing.assert_allclose(fit.statistic[i], z, rtol=1e-3)
        np.testing.assert_allclose(fit.p[i], p, rtol=0.02)
    found = differential_expression(counts, genes, design, "visit:D28/product", engine="deseq2", pooled=True)
    assert found.table["engine"].unique().to_list() == ["deseq2"]
    assert found.table["df"].null_count() == found.table.height == 97
    assert found.models["prior_df"].to_list() == [None]
