"""Masked arrays of numpy are refused wherever their masked values would count."""

import numpy as np
import polars as pl
import pytest

import tilseq as ts
from tilseq.errors import AnalysisError, TilseqError
from tilseq.masked import refuse_masked

DAYS, EVENT, GROUP = [10.0, 20.0, 30.0, 40.0], [True, False, True, True], [True, False, True, False]
COUNTS = np.array([[50.0, 60, 70], [80, 90, 40], [55, 65, 75], [85, 95, 45]])
DESIGN = pl.DataFrame({"sample": list("abcd"), "subject": ["1", "1", "2", "2"], "visit": ["pre", "post"] * 2})
GENES, SETS = ["CD4", "CD8A", "LAG3"], {"one": ["CD4", "CD8A"]}
SCALE = ts.flow.Logicle(t=262144, w=0.5, m=4.5, a=0)


def hidden(values):
    """Return an array whose second value is masked."""
    array = np.ma.masked_array(values)
    array[np.unravel_index(1, array.shape)] = np.ma.masked
    return array


CALLS = {
    "kaplan_meier days": lambda: ts.clinical.kaplan_meier(hidden(DAYS), EVENT),
    "kaplan_meier event": lambda: ts.clinical.kaplan_meier(DAYS, hidden(EVENT)),
    "rmst": lambda: ts.clinical.rmst(hidden(DAYS), EVENT, 40),
    "rmst_difference": lambda: ts.clinical.rmst_difference(DAYS, EVENT, hidden(GROUP), 20),
    "log_rank": lambda: ts.clinical.log_rank(DAYS, EVENT, hidden(GROUP)),
    "cox": lambda: ts.clinical.cox(DAYS, EVENT, hidden([0.0, 1.0, 0.0, 1.0])),
    "cox strata": lambda: ts.clinical.cox(DAYS, EVENT, [0, 1, 0, 1], strata=hidden([1, 2, 1, 2])),
    "cox start": lambda: ts.clinical.cox_time_dependent("abcd", hidden([0.0] * 4), DAYS, EVENT, [0, 1, 0, 1]),
    "leak_limit": lambda: ts.repertoire.leak_limit(hidden([100, 200]), 0.001),
    "miscounting": lambda: ts.repertoire.miscounting([hidden([1, 1, 2])]),
    "compensate": lambda: ts.flow.compensate(hidden([[1.0, 2.0]]), ["a", "b"], ["a", "b"], np.eye(2)),
    "compare": lambda: ts.flow.compare({"CD3+": hidden([True, False])}, {"CD3+": [True, False]}),
    "exact": lambda: SCALE.exact(hidden([1.0, 2.0])),
    "inverse": lambda: SCALE.inverse(hidden([0.1, 0.2])),
    "fast": lambda: SCALE.fast(hidden(np.array([1.0, 2.0], np.float32))),
    "write_fcs": lambda: ts.io.write_fcs("never.fcs", hidden([[1.0, 2.0]]), ["a", "b"]),
    "fit_curve": lambda: ts.cytokines.fit_curve(hidden([0.0, 1, 2, 3, 4]), [1.0, 2, 3, 4, 5], [0.1] * 5, "4PL"),
    "log2_cpm": lambda: ts.expression.log2_cpm(hidden(COUNTS)),
    "log2_cpm sizes": lambda: ts.expression.log2_cpm(COUNTS, hidden([200.0, 200, 200, 200])),
    "differential": lambda: ts.expression.differential_expression(hidden(COUNTS), GENES, DESIGN, "visit:post/pre"),
    "log_normalised": lambda: ts.expression.log_normalised(hidden(COUNTS)),
    "score": lambda: ts.expression.score(hidden(COUNTS), GENES, SETS),
    "subject_contrasts": lambda: ts.expression.subject_contrasts(hidden(COUNTS), DESIGN, "visit:post/pre"),
    "camera": lambda: ts.expression.camera(hidden(COUNTS), GENES, SETS, contrast="c"),
    "preranked": lambda: ts.expression.preranked(hidden([1.0, 2, 3]), GENES, SETS, seed=1),
    "sample_scores": lambda: ts.expression.sample_scores(hidden(COUNTS), GENES, list("abcd"), SETS),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_masked_does_not_count(call):
    with pytest.raises(TilseqError, match="a masked array hides values that would count"):
        call()


def test_masked_beads_do_not_count():
    kit = ts.io.read_kit("cba_6plex")
    sheet = pl.DataFrame({"plate": ["P"], "well": ["A01"], "kit": ["cba_6plex"], "path": ["a.fcs"], "role": ["blank"]})
    with pytest.raises(AnalysisError, match="column plate P, well A01: a masked array hides"):
        ts.cytokines.find_beads(sheet, {("P", "A01"): hidden(np.ones((5, 4)))}, {"cba_6plex": kit})


def test_a_mask_that_hides_nothing_is_no_matter():
    curve = ts.clinical.kaplan_meier(np.ma.masked_array([1.0, 2.0, 3.0]), [1, 0, 1])
    assert curve.survival.tolist() == [1.0, pytest.approx(2 / 3), pytest.approx(2 / 3), 0.0]


def test_the_refusal_tells_how_many():
    with pytest.raises(AnalysisError) as caught:
        refuse_masked(days=hidden([1.0, 2.0, 3.0]))
    assert str(caught.value) == (
        "column days: a masked array hides values that would count; found '1 of 3'; expected none; "
        "leave them out, or `.filled(numpy.nan)`"
    )
