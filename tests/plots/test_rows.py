import polars as pl
import pytest

import tilseq as ts
from tilseq.errors import AnalysisError

FIGURES = ("change_scatter", "compartment_flow", "gene_usage", "hill_profiles", "intracellular",
           "isotype_bars", "junction_lengths", "mutation_histogram", "overlap_heatmap", "rarefaction_curves",
           "recovery_dots", "spider", "survival", "top_clones", "usage_heatmap", "volcano", "waterfall")  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_names_the_column_that_a_table_lacks(figure):
    with pytest.raises(AnalysisError, match=r"column \w+: the figure needs this column; expected \w+") as told:
        getattr(ts.plots, figure)(pl.DataFrame({"patient": ["S1"], "value": [1.0]}))
    assert told.value.column in told.value.expected


def test_clones_and_origins_are_asked_for_theirs():
    clones = pl.DataFrame({"sample": ["d7"], "locus": ["TRB"], "junction": ["TGT"], "frequency": [0.5]})
    with pytest.raises(AnalysisError, match="column n_effective: the figure needs this column"):
        ts.plots.clone_tracking(clones, clones, samples={"d7": "D7"}, products=[])
    whole = clones.with_columns(n_effective=pl.lit(100.0), limit_of_detection=pl.lit(0.03))
    with pytest.raises(AnalysisError, match="column origin: the figure needs this column"):
        ts.plots.clone_courses(whole, clones, days={"d7": 7})
