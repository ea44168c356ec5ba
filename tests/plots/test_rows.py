import polars as pl
import pytest

import tilseq as ts
from tilseq.errors import AnalysisError
from tilseq.plots.rows import of_names

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


LEVELS = pl.DataFrame({"analyte": ["IL-6", "IFN-gamma", None], "value": [1, 2, 3]})


def test_names_are_those_of_the_table():
    assert of_names(LEVELS, "analyte", ["IL-6"])["value"].to_list() == [1]
    assert of_names(LEVELS, "analyte", None)["value"].to_list() == [1, 2, 3]
    with pytest.raises(AnalysisError, match="column analyte: no row .* is of this; found 'IL6'; did you mean 'IL-6'"):
        of_names(LEVELS, "analyte", ["IL-6", "IL6"])


def test_one_name_alone_is_not_taken_for_its_letters():
    with pytest.raises(AnalysisError, match=r"column analyte: several are wanted; found 'IL-6'; write \['IL-6'\]"):
        of_names(LEVELS, "analyte", "IL-6")
