"""Gene sets tested in counts of a trial."""

import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.expression import gsea
from tilseq.expression.contrasts import parse_contrast
from tilseq.expression.gsea import count_differences

GENES = [f"G{i:03d}" for i in range(200)]
SETS = {"up": GENES[:20], "still": GENES[100:130], "lost": ["X"]}
CONTRAST = "visit:D28/product"


def trial(subjects=8, visits=("product", "D28"), seed=1):
    """Return counts, samples and design: genes 0 to 19 are four times as high at D28."""
    rng = np.random.default_rng(seed)
    rows = [(f"P{i}", visit) for i in range(subjects) for visit in visits]
    own = {f"P{i}": rng.gamma(4, 25, 200) for i in range(subjects)}
    means = np.array([own[subject] for subject, _ in rows])
    late = [row for row, (_, visit) in enumerate(rows) if visit == "D28"]
    means[np.ix_(late, range(20))] *= 4
    samples = [f"{subject}_{visit}" for subject, visit in rows]
    design = pl.DataFrame(
        {"sample": samples, "subject": [subject for subject, _ in rows], "visit": [visit for _, visit in rows]}
    )
    return rng.poisson(means), samples, design


def enriched(counts, samples, design, contrasts=CONTRAST, **given):
    return gsea(counts, GENES, samples, design, contrasts, SETS, **given)


def rows(found):
    return {(row["contrast"], row["set"]): row for row in found.table.iter_rows(named=True)}


@pytest.mark.parametrize(("method", "most"), [("sign_flip", 1 / 128), ("camera", 0.01), ("preranked", 1e-4)])
def test_what_was_changed_is_found_with_its_sign(method, most):
    found = rows(enriched(*trial(), method=method))
    up, still, lost = (found[CONTRAST, name] for name in ("up", "still", "lost"))
    assert up["p"] <= most
    assert (up["direction"], up["method"], up["exploratory"]) == ("up", method, method == "preranked")
    assert still["p"] > 0.01
    assert lost["reason"] == "none of its 1 genes is there"


def test_the_mean_fold_change_is_that_of_the_simulation():
    row = rows(enriched(*trial()))[CONTRAST, "up"]
    # Four-fold in a tenth of the genes makes libraries 1.3 times as deep, and counts per million of them would fall
    # short by log2 of that; TMM takes most of it off.
    by_depth = 2 - np.log2(1.3)
    assert row["log2_fold_change"] == pytest.approx(2, abs=0.2)
    assert by_depth < row["lower"] < row["log2_fold_change"] < row["upper"] < 2 + np.log2(1.3)
    assert row["subjects"] == 8


def test_a_subject_without_a_pair_is_left_out_and_told_and_the_rest_goes_on():
    counts, samples, design = trial()
    found = enriched(counts[:-1], samples[:-1], design[:-1])
    assert found.left_out.rows() == [(CONTRAST, "subject", "P7", "no sample of D28")]
    assert found.table["subjects"].unique().to_list() == [7]


def test_a_contrast_that_cannot_be_tested_does_not_stop_the_others_and_all_are_one_family():
    counts, samples, design = trial(visits=("product", "D7", "D28"))
    design = design.with_columns(arm=pl.when(pl.col("subject") == "P0").then(pl.lit("a")).otherwise(pl.lit("b")))
    found = enriched(counts, samples, design, [CONTRAST, "visit:D7/product", "arm:a/b"])
    assert found.table["contrast"].unique().sort().to_list() == [CONTRAST, "visit:D7/product"]
    assert found.left_out.filter(what="contrast")["name"].to_list() == ["arm:a/b"]
    tested = rows(found)
    other = "visit:D7/product"
    assert tested[CONTRAST, "up"]["p"] == 1 / 128  # of 2 ** 8 flips none but its own and the opposite is as large
    assert tested[other, "up"]["p"] > 0.05  # nothing changed by D7
    # Benjamini and Hochberg's q over the two sets of both contrasts.
    p = sorted(tested[contrast, name]["p"] for contrast in (CONTRAST, other) for name in ("up", "still"))
    q = [min(4 * p[later] / (later + 1) for later in range(rank, 4)) for rank in range(4)]
    assert sorted(found.table["q"].drop_nulls().to_list()) == pytest.approx(q, rel=1e-12)
    assert tested[CONTRAST, "up"]["q"] == 4 / 128
    by_family = enriched(counts, samples, design, families={"up": "axes", "still": "other", "lost": "other"})
    assert rows(by_family)[CONTRAST, "up"]["q"] == rows(by_family)[CONTRAST, "up"]["p"]


def test_a_copy_of_a_sample_is_refused():
    data = trial()
    counts = data[0].copy()
    counts[3] = counts[1]
    with pytest.raises(AnalysisError, match="two samples hold the same counts"):
        enriched(counts, *data[1:])


def test_a_contrast_asked_for_twice_is_tested_once():
    given = trial()
    assert enriched(*given, [CONTRAST, CONTRAST]).table.equals(enriched(*given).table)


def test_the_error_of_the_only_contrast_is_raised():
    counts, samples, design = trial()
    with pytest.raises(AnalysisError, match="no subject has all samples of visit:D28/product"):
        enriched(counts[::2], samples[::2], design[::2].with_columns(visit=pl.Series(["product", "D28"] * 4)))
    with pytest.raises(AnalysisError, match="did you mean 'D28'"):
        enriched(counts, samples, design, "visit:D29/product")
    with pytest.raises(AnalysisError, match="too few subjects with a pair; found 1"):
        enriched(counts[:2], samples[:2], design[:2])
    with pytest.raises(AnalysisError, match="no such method"):
        enriched(counts, samples, design, method="fry")


def test_logged_values_and_an_all_zero_gene():
    counts, samples, design = trial()
    with pytest.raises(AnalysisError, match="not a raw count in sample P0_product, gene G000"):
        enriched(np.log1p(counts), samples, design)
    counts[:, 5] = 0
    found = enriched(counts, samples, design)
    assert rows(found)[CONTRAST, "up"]["size"] == 19
    assert found.told == ((CONTRAST, "genes left out, no counts: 1 of 200"),)


def test_samples_of_other_visits_and_the_order_of_samples_change_nothing():
    counts, samples, design = trial(visits=("product", "D7", "D28"))
    contrast = parse_contrast(CONTRAST)
    all_of_them = count_differences(counts, GENES, design, contrast)
    kept = (design["visit"] != "D7").to_numpy().nonzero()[0][::-1]
    some = count_differences(counts[kept], GENES, design[kept.tolist()], contrast)
    assert some.subjects == all_of_them.subjects
    assert some.values == pytest.approx(all_of_them.values, rel=1e-9)


def test_five_subjects_are_told_that_005_cannot_be_reached():
    found = rows(enriched(*trial(subjects=5)))[CONTRAST, "up"]
    assert (found["p"], found["p_floor"]) == (1 / 16, 1 / 16)
    assert "0.05 cannot be reached" in found["reason"]
