"""The other engine: PyDESeq2."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError
from tilseq.expression.paired_model import Estimates, PairedModel

NORMAL_TAIL = 1.959963984540054  # 97.5 % of the normal distribution


def fit_deseq2(counts: NDArray[np.float64], model: PairedModel) -> Estimates:
    """Return PyDESeq2's log2 fold change, Wald's z and p of the contrast, blocks being fixed.

    Parameters
    ----------
    counts
        Samples × genes, of the samples and genes that are tested.
    model
        Its first column is the contrast.

    Raises
    ------
    AnalysisError
        PyDESeq2 cannot fit the counts.
    """
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas' and anndata's deprecations, and what is told by a null p
        from pydeseq2.dds import DeseqDataSet
        from pydeseq2.ds import DeseqStats

        names = [f"s{i}" for i in range(len(counts))]
        levels = np.eye(int(model.blocks.max()) + 1)[model.blocks]
        matrix = pd.DataFrame(np.column_stack([model.columns, levels]), index=names)
        matrix.columns = [f"c{i}" for i in range(matrix.shape[1])]
        table = pd.DataFrame(counts.astype(np.int64), index=names, columns=[f"g{i}" for i in range(counts.shape[1])])
        # The ratio of medians needs a gene that every sample has.
        factors = "ratio" if (counts > 0).all(axis=0).any() else "poscounts"
        try:
            data = DeseqDataSet(
                counts=table,
                metadata=pd.DataFrame(index=names),
                design=matrix,
                size_factors_fit_type=factors,
                n_cpus=1,
                quiet=True,
            )
            data.deseq2()
            asked = np.eye(matrix.shape[1])[0]
            stats = DeseqStats(data, contrast=asked, independent_filter=False, n_cpus=1, quiet=True)
            stats.summary()
        except (ValueError, ZeroDivisionError, FloatingPointError, np.linalg.LinAlgError) as error:
            raise AnalysisError(f"PyDESeq2 cannot fit these counts: {error}", mend="use the engine voom") from error
    found = stats.results_df
    change = found["log2FoldChange"].to_numpy()
    margin = NORMAL_TAIL * found["lfcSE"].to_numpy()
    z, p = found["stat"].to_numpy(), found["pvalue"].to_numpy()
    return Estimates(change, change - margin, change + margin, z, p, None)
