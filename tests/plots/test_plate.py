import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import plate_map
from tilseq.tables.cytokines import BEAD_WELLS, CONCENTRATIONS


def well(name, signal=None, *, role="sample", level=None, verdict="pass", analyte="A", plate="P"):
    return {
        "plate": plate, "well": name, "role": role, "level": level, "analyte": analyte, "population": "x 1",
        "beads": 100, "signal": signal, "verdict": verdict,
    }  # fmt: skip


def told(name, conc, status="quantified"):
    return {"plate": "P", "well": name, "role": "sample", "analyte": "A", "conc_pg_per_ml": conc, "status": status}


WELLS = [
    well("A01", 5_000, role="standard", level="C7"),
    well("B1", 90, role="blank"),
    well("C02", 300),
    well("H12", 120),
    well("D05", 9_000),
    well("E05", None, verdict="fail"),
]
TOLD = [told("C02", 40.0), told("H12", None, "not_detected"), told("D05", None, "above_range")]


def texts(axes):
    return {(text.get_position()[0], text.get_position()[1]): text.get_text() for text in axes.texts}


def colours(axes):
    """Row and column → value of the wells that have a colour."""
    values = axes.images[0].get_array()
    return {(r, c): float(values[r, c]) for r in range(values.shape[0]) for c in range(values.shape[1])
            if not values.mask[r, c]}  # fmt: skip


def test_wells_stand_where_they_are_in_the_colour_of_their_signal():
    figure = plate_map(BEAD_WELLS.frame(WELLS), CONCENTRATIONS.frame(TOLD))
    axes = figure.axes[0]
    assert axes.images[0].get_array().shape == (8, 12)
    assert colours(axes) == {(0, 0): 5_000, (1, 0): 90, (2, 1): 300, (7, 11): 120, (3, 4): 9_000}
    # Across and down from the upper left: the standard's level, what failed, what is out of range.
    assert texts(axes) == {(0, 0): "C7", (4, 4): "×", (11, 7): "–", (4, 3): "↑"}
    assert figure.get_supxlabel() == "× no signal   – not detected   ↑ above range"
    assert figure.get_suptitle() == "P · median reporter"


def test_by_concentration_standards_have_no_colour():
    figure = plate_map(BEAD_WELLS.frame(WELLS), CONCENTRATIONS.frame(TOLD), by="concentration")
    assert colours(figure.axes[0]) == {(2, 1): 40.0}
    grey = [patch for patch in figure.axes[0].patches if patch.get_fill()]
    assert len(grey) == 5


def test_a_panel_an_analyte_and_a_larger_plate():
    wells = [*WELLS, *(row | {"analyte": "B"} for row in WELLS), well("P24", 50, analyte="B")]
    figure = plate_map(BEAD_WELLS.frame(wells), analytes=["B", "A"])
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["B", "A"]
    assert colours(figure.axes[0])[15, 23] == 50
    assert figure.axes[1].images[0].get_array().shape == (16, 24)


@pytest.mark.parametrize(
    ("wells", "options", "message"),
    [
        ([], {}, "the plate has no well"),
        ([*WELLS, well("A01", 1, plate="Q")], {}, "a map is of one plate; found 'P, Q'"),
        ([well("Z1", 1)], {}, "no well of a plate; found 'Z1'"),
        ([well("A25", 1)], {}, "no well of a plate; found 'A25'"),
        (WELLS, {"analytes": ["B"]}, "the plate has no such analyte; found 'B'; there are A"),
        (WELLS, {"by": "concentration"}, "need the table concentrations"),
    ],
)
def test_refused(wells, options, message):
    with pytest.raises(AnalysisError) as error:
        plate_map(BEAD_WELLS.frame(wells), **options)
    assert message in str(error.value).replace("column well: ", "").replace("; expected such as B07, up to P24", "")
