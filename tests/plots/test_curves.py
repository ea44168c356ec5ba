import numpy as np
import polars as pl
import pytest

from tests.cytokines.curves import CURVES, plate, signal
from tilseq.cytokines import quantify
from tilseq.errors import AnalysisError
from tilseq.plots.curves import recovery_dots, standard_curves


@pytest.fixture(scope="module")
def told():
    sheet, beads, kits = plate(np.random.default_rng(11), {"S1": 100.0, "S2": 0.0}, noise=0.01)
    return quantify(sheet, beads, kits), beads


def test_a_panel_an_analyte_with_standards_samples_and_range(told):
    quantified, beads = told
    figure = standard_curves(quantified.curves, quantified.recovery, beads, quantified.concentrations)
    assert [axes.get_title(loc="left").split(" · ")[0] for axes in figure.axes] == list(CURVES)
    marks = ["standard", "sample", "blank", "usable range"]
    assert [label.get_text() for label in figure.legends[0].get_texts()] == marks
    axes = figure.axes[0]
    curve, standards, samples = axes.get_lines()[:3]
    x, y = curve.get_data()
    middle = np.searchsorted(x, 1_000.0)
    assert y[middle] == pytest.approx(float(signal("A", x[middle])), rel=0.1)
    assert len(standards.get_xdata()) == 14
    # Of the sample at 100 pg/mL, diluted twice, both wells; the empty one has no concentration.
    assert samples.get_xdata() == pytest.approx([50, 50], rel=0.15)
    row = quantified.curves.filter(analyte="A").row(0, named=True)
    (shaded,) = axes.patches
    assert shaded.get_x() == pytest.approx(row["lloq_pg_per_ml"])


def test_recovery_by_level_from_the_weakest(told):
    quantified, _ = told
    axes = recovery_dots(quantified.recovery)
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"C{n}" for n in range(1, 8)]
    nominal, shared = axes.get_lines()[:2]
    assert len(nominal.get_xdata()) == len(shared.get_xdata()) == quantified.recovery["recovery_pct"].count()
    assert [line.get_ydata()[0] for line in axes.get_lines()[2:]] == [80, 120]


def test_recovery_by_nominal_concentration_alone_where_no_dilution_error_was_fitted(told):
    quantified, _ = told
    assert len(recovery_dots(quantified.recovery, quantified.dilution).get_lines()) == 4
    none = quantified.dilution.with_columns(factor=pl.lit(None, pl.Float64))
    axes = recovery_dots(quantified.recovery, none)
    nominal, *limits = axes.get_lines()
    assert nominal.get_xdata()[0] in range(7) and len(limits) == 2
    assert list(nominal.get_ydata()) == quantified.recovery["recovery_nominal_pct"].drop_nulls().to_list()
    assert [label.get_text() for label in axes.get_legend().get_texts()] == ["by nominal concentration"]


def test_nothing_to_draw_and_two_plates_are_refused(told):
    quantified, beads = told
    none = quantified.curves.with_columns(model=pl.lit(None, pl.String))
    with pytest.raises(AnalysisError, match="no analyte has a standard curve"):
        standard_curves(none, quantified.recovery, beads, quantified.concentrations)
    with pytest.raises(AnalysisError, match="no standard was given back"):
        recovery_dots(quantified.recovery.clear())
    two = pl.concat([quantified.curves, quantified.curves.with_columns(plate=pl.lit("Q"))])
    with pytest.raises(AnalysisError, match="of one plate; found 'P, Q'"):
        standard_curves(two, quantified.recovery, beads, quantified.concentrations)
