"""Scores of pyucell 0.8.0 for tests/expression/test_ucell.py; run in an environment that has it."""

import anndata
import numpy as np
import pandas as pd
import pyucell
import scipy.sparse as sp

rng = np.random.default_rng(11)
counts = rng.poisson(rng.gamma(0.5, 2, 40), (6, 40))
counts[2, 3] = 900
counts[2, 7] = counts[2, 9] = 300
cells = anndata.AnnData(sp.csr_matrix(counts.astype(np.float32)), var=pd.DataFrame(index=[f"G{i}" for i in range(40)]))
sets = {
    "one": ["G0", "G3", "G7", "G9", "G20"],
    "two": ["G5", "G6", "X", "G31"],
    "signed": ["G3+", "G12+", "G7-", "G30-"],
}
pyucell.compute_ucell_scores(cells, sets, max_rank=12, missing_genes="skip", n_jobs=1)
print(counts.tolist())
print(cells.obs.iloc[:, -3:].to_numpy().tolist())
