import numpy as np
import pytest

from tests.cytokines.plates import kit
from tilseq.cytokines.plate_doubts import brighter_blanks, left_out, multiplied, other_series
from tilseq.cytokines.standards import Standard

LEVEL_OF = np.array([0, 0, 1, 1, -1, -1])
NAMES = ["C2", "C1"]


def analyte(lowest, apart=0.0, wells=range(6)):
    """Two wells each of C2, of C1 and of blanks, beads good for 5 %; C1 is so much brighter than the blanks."""
    signal = np.array([9.0, 9.0, 5 + lowest, 5 + lowest, 5, 5]) + apart / 2 * np.array([1, -1] * 3)
    conc = np.log([400.0, 400.0, 100.0, 100.0, 1.0, 1.0])
    conc[4:] = -np.inf
    keep = np.array(wells)
    return Standard(conc[keep], signal[keep], np.full(len(keep), 0.05), keep)


@pytest.mark.parametrize(
    ("lowest", "apart", "analytes", "told"),
    [
        # A mean of two wells is good for 0.05 / sqrt(2), a difference of two for 0.05: 2 standard deviations each.
        (-0.1, 0.0, 4, True),  # 2 × sqrt(4) = 4
        (-0.1, 0.0, 2, False),  # 2 × sqrt(2) = 2.8
        (0.1, 0.0, 4, False),
        # Wells 0.2 apart have a variance of 0.02: a difference is good for 0.14 only.
        (-0.1, 0.2, 4, False),  # 0.71 × sqrt(4) = 1.4
        (-0.3, 0.2, 4, True),  # 2.1 × sqrt(4) = 4.2
    ],
)
def test_a_level_below_the_blanks_is_told_by_all_analytes_together(lowest, apart, analytes, told):
    standards = {str(k): analyte(lowest, apart) for k in range(analytes)}
    reason = "C1 shines less than the blanks: wells exchanged, or is the sheet wrong?"
    assert brighter_blanks(standards, LEVEL_OF, NAMES) == [reason] * told


def test_without_blanks_or_wells_of_a_level_nothing_is_told():
    assert brighter_blanks({"A": analyte(-1.0, wells=range(4))}, LEVEL_OF, NAMES) == []
    assert brighter_blanks({"A": analyte(-1.0, wells=(0, 1, 4, 5))}, LEVEL_OF, NAMES) == []


SERIES = {f"C{k}": {"A": 10_000 / 4 ** (7 - k), "B": 10_000 / 4 ** (7 - k)} for k in range(1, 8)}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (SERIES, []),
        ({name: SERIES[name] for name in ("C7", "C5", "C4", "C3", "C1")}, ["no well holds C6, C2 of kit k"]),
        # A lot's own concentrations are the kit's series still; another dilution, or other names, are not.
        ({"C07": {"A": 8_500.0}, "C05": {"A": 700.0}}, ["no well holds C6, C4, C3, C2, C1 of kit k"]),
        ({name: {"A": 10_000 / 3 ** (7 - k)} for k, name in ((7, "C7"), (6, "C6"), (4, "C4"))}, []),
        ({"top": {"A": 10_000.0}, "middle": {"A": 2_500.0}}, []),
        ({"C7": {"A": None}}, []),
        ({}, []),
    ],
)
def test_standards_of_the_series_of_the_kit_that_no_well_holds(held, told):
    assert left_out(held, kit()) == told
    assert left_out(held, None) == []


TENFOLD = ["standards hold 10 times what kit k has at their levels: is the sheet right?"]


def times(factor, **levels):
    return {name: {"A": factor * held["A"], "B": factor * held["B"]} for name, held in SERIES.items()} | levels


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (SERIES, []),
        (times(10), TENFOLD),
        (times(0.25), ["standards hold 0.25 times what kit k has at their levels: is the sheet right?"]),
        # A lot's top differs by less; with one level otherwise, or names of one's own, it is another series.
        (times(1.7), []),
        (times(10, C3={"A": 39.0625, "B": 39.0625}), []),
        (times(10, C1={"A": None, "B": 24.4}), []),
        ({"top": {"A": 100_000.0}, "middle": {"A": 25_000.0}}, []),
        # Values as a sheet rounds them: 10 times 9.765625 and 2.44140625.
        (times(10, C2={"A": 97.7, "B": 97.7}, C1={"A": 24.0, "B": 24.0}), TENFOLD),
        ({}, []),
    ],
)
def test_standards_that_all_are_one_multiple_of_those_of_the_kit(held, told):
    assert multiplied(held, kit()) == told
    assert multiplied(held, None) == []


def series(fold, top=10_000.0, names=tuple(f"C{k}" for k in range(7, 0, -1))):
    return {name: {"A": top / fold**k, "B": top / fold**k} for k, name in enumerate(names)}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (SERIES, []),
        (series(4, 8_000.0), []),
        (series(4, 100_000.0), []),  # one multiple of all is told as such
        # C1 is 10,000 / 2^6 = 156.25 here, and 10,000 / 4^6 = 2.44 in the kit.
        (series(2), ["standards hold 1 to 64 times what kit k has at their levels: is the sheet right?"]),
        (SERIES | {"C3": {"A": 390.625, "B": 390.625}}, []),  # one wrong number, which the wells of the level tell
        (series(4, names=("S1", "S2", "S3", "S4", "S5")), []),  # counted from the top down
        (series(3, names=("top", "middle", "low")), []),
        (
            series(4, 10.0, names=("10 pg/mL", "2.5 pg/mL")),
            ["the highest standards hold 0.001 times what those of kit k do: is the sheet right?"],
        ),
        ({"C7": {"A": None}}, []),
        ({}, []),
    ],
)
def test_standards_of_another_series_than_that_of_the_kit(held, told):
    assert other_series(held, kit()) == told
    assert other_series(held, None) == []
