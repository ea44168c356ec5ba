"""Bands of the CTCAE, typed from the NCI's documents, versions 5 and 6."""

import pytest

from tilseq.clinical.grade_bands import grade_bands
from tilseq.errors import AnalysisError


@pytest.mark.parametrize(
    ("term", "version", "unit", "limits", "bands"),
    [
        ("Neutrophil count decreased", 5, "10^9/L", (1.8, None),
         [(4, None, 0.5), (3, 0.5, 1.0), (2, 1.0, 1.5), (1, 1.5, 1.8)]),
        ("Neutrophil count decreased", 6, "10^9/L", (1.8, None),
         [(4, None, 0.1), (3, 0.1, 0.5), (2, 0.5, 1.0), (1, 1.0, 1.5)]),
        ("Thrombocytopenia", 6, "10^9/L", (150, None), [(4, None, 10), (3, 10, 50), (2, 50, 75), (1, 75, 150)]),
        ("Anemia", 5, "g/L", (130, None), [(3, None, 80), (2, 80, 100), (1, 100, 130)]),
        ("Hyperkalemia", 5, "mmol/L", (None, 5.1), [(4, 7, None), (3, 6, 7), (2, 5.5, 6), (1, 5.1, 5.5)]),
        # Grades 1 and 2 have one threshold; symptoms, taken to be there, make it 2.
        ("Hypokalemia", 5, "mmol/L", (3.5, None), [(4, None, 2.5), (3, 2.5, 3), (2, 3, 3.5)]),
        ("Alanine aminotransferase increased", 5, "U/L", (None, 40),
         [(4, 800, None), (3, 200, 800), (2, 120, 200), (1, 40, 120)]),
        # Without the limit only bands between numbers stand.
        ("Neutrophil count decreased", 5, "10^9/L", (None, None), [(4, None, 0.5), (3, 0.5, 1.0), (2, 1.0, 1.5)]),
        ("Anemia", 5, "mg/dL", (130, None), []),
        ("Hemoglobin increased", 5, "g/L", (None, 160), [(3, 200, None), (2, 180, 200), (1, 160, 180)]),
        ("Hemoglobin increased", 5, "g/dL", (None, 16), []),
        # In multiples of the limit, which is 1 there.
        ("Alanine aminotransferase increased", 5, "", (None, 1), [(4, 20, None), (3, 5, 20), (2, 3, 5), (1, 1, 3)]),
        # Not on anticoagulation.
        ("INR increased", 5, "1", (0.8, 1.2), [(3, 2.5, None), (2, 1.5, 2.5), (1, 1.2, 1.5)]),
    ],
)  # fmt: skip
def test_bands(term, version, unit, limits, bands):
    found = grade_bands(term, version=version, unit=unit, lower_limit=limits[0], upper_limit=limits[1])
    assert found == bands


# Random glucose has grades 3 and 4 alone in version 6; those of ionised calcium are not those of calcium.
@pytest.mark.parametrize(
    ("term", "test", "unit", "bands"),
    [
        ("Hyperglycemia", "glucose", "mmol/L", [(4, 27.8, None), (3, 13.9, 27.8)]),
        ("Hyperglycemia", "fasting glucose", "mmol/L", [(4, 27.8, None), (3, 13.9, 27.8), (2, 8.9, 13.9), (1, 6, 8.9)]),
        ("Hypocalcemia", "ionized calcium", "mmol/L", [(4, None, 0.8), (3, 0.8, 0.9), (2, 0.9, 1)]),
        ("Hypocalcemia", "corrected calcium", "mmol/L", [(4, None, 1.5), (3, 1.5, 1.75), (2, 1.75, 2)]),
    ],
)
def test_bands_of_a_term_of_several_tests(term, test, unit, bands):
    assert grade_bands(term, test=test, version=6, unit=unit, upper_limit=6) == bands
    with pytest.raises(AnalysisError, match="need one"):
        grade_bands(term, version=6, unit=unit)


def test_an_unknown_term_and_a_missing_version_are_refused():
    with pytest.raises(AnalysisError, match="no such term") as caught:
        grade_bands("Anaemia", version=5, unit="g/L")
    assert caught.value.mend == "did you mean 'Anemia'?"
    with pytest.raises(AnalysisError, match="version"):
        grade_bands("Anemia", version=None, unit="g/L")
