from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from tilseq.errors import AnalysisError
from tilseq.expression.differential import differential_expression
from tilseq.tables.differential import DIFFERENTIAL

ORACLES = Path(__file__).parents[1] / "oracles"
TABLE = pl.read_csv(ORACLES / "differential_counts.tsv", separator="\t")
LIMMA = pl.read_csv(ORACLES / "differential_limma.tsv", separator="\t", infer_schema_length=None)
GENES = TABLE["gene"].to_list()
SAMPLES = [name for name in TABLE.columns[1:] if name != "P3_D7"]  # the missing visit
COUNTS = TABLE.select(SAMPLES).to_numpy().T
DESIGN = pl.DataFrame(
    {
        "sample": SAMPLES,
        "subject": [name.split("_")[0] for name in SAMPLES],
        "visit": [name.split("_")[1] for name in SAMPLES],
        "batch": list("aabaabbaabb"),
        "age": [50] * 3 + [60] * 3 + [40] * 2 + [70] * 3,
    }
)
FOUR = pl.DataFrame(
    {
        "sample": TABLE.columns[1:],
        "subject": list("AAAABBBBCCCC"),
        "visit": ["product", "product", "D28", "D28"] * 3,
        "status": ["not_seen_in_product", "infused"] * 6,
    }
)
INTERACTION = "visit:D28/product*status:infused/not_seen_in_product"


def assert_equal_to_limma(found, model):
    expected = LIMMA.filter(pl.col("model") == model).sort("gene")
    assert found["gene"].to_list() == expected["gene"].to_list()
    names = {
        "mean": "mean_log2_cpm", "change": "log2_fold_change", "lower": "lower", "upper": "upper", "t": "t", "df": "df",
        "p": "p", "q": "q",
    }  # fmt: skip
    for name, own in names.items():
        np.testing.assert_allclose(found[own], expected[name], rtol=1e-8, atol=1e-10, err_msg=name)


def test_subjects_as_levels_give_limmas_numbers():
    found = differential_expression(COUNTS, GENES, DESIGN, "visit:D28/product", pooled=True)
    assert_equal_to_limma(found.table, "fixed")
    model = found.models.row(0, named=True)
    assert (model["engine"], model["subjects"], model["samples"], model["genes"]) == ("voom", 4, 11, 97)
    assert (model["residual_df"], model["correlation"]) == (5, None)
    assert (model["prior_df"], model["prior_variance"]) == pytest.approx(
        (125.63367263896374, 1.11136795932971), rel=1e-9
    )


def test_the_two_visits_alone_give_limmas_numbers():
    found = differential_expression(COUNTS, GENES, DESIGN, "visit:D28/product")
    assert_equal_to_limma(found.table, "pairs")
    assert found.models["residual_df"].to_list() == [3]
    others = found.left_out.filter(pl.col("what") == "sample")
    assert others.select("name", "reason").rows() == [(f"P{i}_D7", "of another level") for i in (1, 2, 4)]


def test_subjects_as_a_correlation_where_a_visit_is_missing_give_limmas_numbers():
    found = differential_expression(
        csr_array(COUNTS), GENES, DESIGN, "visit:D7/product", subjects="correlated", pooled=True
    )
    assert_equal_to_limma(found.table, "correlated")
    model = found.models.row(0, named=True)
    assert model["engine"] == "voom_correlated"
    assert model["correlation"] == pytest.approx(0.235844100174687, abs=1e-9)
    # duplicateCorrelation's own stops before its iterations are done
    assert model["correlation"] - 0.235820095768398 == pytest.approx(2.40044e-5, abs=1e-9)
    assert model["subjects"] == 4


def test_of_two_pairs_and_a_single_sample_the_pairs_are_fitted_unless_a_correlation_is_asked_for():
    here = [0, 2, 3, 5, 6]  # product and D28 of P1 and P2, product of P3
    few = differential_expression(COUNTS[here], GENES, DESIGN[here], "visit:D28/product")
    alone = differential_expression(COUNTS[here[:4]], GENES, DESIGN[here[:4]], "visit:D28/product")
    assert few.table.equals(alone.table)
    assert few.models.select("engine", "subjects", "samples", "residual_df").rows() == [("voom", 2, 4, 1)]
    assert ("visit:D28/product", "subject", "P3", "no sample of D28") in few.left_out.rows()
    asked = differential_expression(COUNTS[here], GENES, DESIGN[here], "visit:D28/product", subjects="correlated")
    assert asked.models.select("engine", "subjects", "samples").rows() == [("voom_correlated", 3, 5)]


def test_a_contrast_that_cannot_be_tested_does_not_stop_the_others():
    alone = differential_expression(COUNTS, GENES, DESIGN, "visit:D28/product")
    found = differential_expression(COUNTS, GENES, DESIGN, ["visit:D29/product", "visit:D28/product"])
    assert found.table.equals(alone.table)
    assert found.models.equals(alone.models)
    (row,) = found.left_out.filter(what="contrast").rows()
    assert row[:3] == ("visit:D29/product", "contrast", "visit:D29/product")
    assert "no sample is of this level; found 'D29'" in row[3]
    with pytest.raises(AnalysisError, match="found 'D29'"):
        differential_expression(COUNTS, GENES, DESIGN, ["visit:D29/product", "visit:D30/product"])
    with pytest.raises(AnalysisError, match="there is no contrast to test"):
        differential_expression(COUNTS, GENES, DESIGN, [])


def test_a_subject_without_a_pair_is_left_out_and_told_where_subjects_are_levels():
    found = differential_expression(COUNTS, GENES, DESIGN, "visit:D7/product", pooled=True)
    assert found.left_out.filter(pl.col("what") != "gene").rows() == [
        ("visit:D7/product", "subject", "P3", "no sample of D7")
    ]
    assert found.table["subjects"].unique().to_list() == [3]


def test_a_covariate_and_a_prior_without_end_give_limmas_numbers():
    found = differential_expression(COUNTS, GENES, DESIGN, "visit:D28/product", covariates=["batch"], pooled=True)
    assert_equal_to_limma(found.table, "covariate")
    assert found.models["prior_df"].to_list() == [None]


def test_an_interaction_gives_limmas_numbers():
    found = differential_expression(TABLE.drop("gene").to_numpy().T, GENES, FOUR, INTERACTION)
    assert_equal_to_limma(found.table, "interaction")
    assert found.models["residual_df"].to_list() == [2]


def test_several_contrasts_are_what_each_is_by_itself():
    both = differential_expression(COUNTS, GENES, DESIGN, ["visit:D28/product", "visit:D7/product"])
    alone = differential_expression(COUNTS, GENES, DESIGN, "visit:D28/product")
    assert both.table.filter(pl.col("contrast") == "visit:D28/product").equals(alone.table)
    assert both.table["family"].unique().sort().to_list() == ["genes of visit:D28/product", "genes of visit:D7/product"]


def test_the_reverse_contrast_has_the_other_sign():
    one = differential_expression(COUNTS, GENES, DESIGN, "visit:D28/product").table
    other = differential_expression(COUNTS, GENES, DESIGN, "visit:product/D28").table
    np.testing.assert_allclose(one["t"], -other["t"], rtol=1e-9)
    np.testing.assert_allclose(one["lower"], -other["upper"], rtol=1e-8)


def test_genes_that_are_left_out_are_told():
    genes = ["TRAV1-2", "TRAC", *GENES[2:]]
    found = differential_expression(COUNTS, genes, DESIGN, "visit:D28/product")
    reasons = dict(found.left_out.select("name", "reason").iter_rows())
    assert reasons["TRAV1-2"] == "V, D or J gene"
    assert reasons["TRAC"] == "no counts"
    empty = differential_expression(COUNTS, GENES, DESIGN, "visit:D28/product")
    assert ("visit:D28/product", "gene", "gene001", "no counts") in empty.left_out.rows()
    assert empty.table.height + (empty.left_out["what"] == "gene").sum() == len(GENES)
    assert set(found.table.columns) == set(DIFFERENTIAL.names)


def test_the_only_sample_of_a_subject_and_one_without_a_level_are_told():
    design = DESIGN.with_columns(
        visit=pl.when(pl.col("sample").is_in(["P4_D7", "P4_D28"]).not_()).then("visit"),
    )
    found = differential_expression(COUNTS, GENES, design, "visit:D28/product", pooled=True)
    assert found.left_out.filter(pl.col("what") != "gene").drop("contrast").rows() == [
        ("sample", "P4_D7", "no visit"),
        ("sample", "P4_D28", "no visit"),
        ("subject", "P4", "no sample of D28"),
        ("sample", "P4_product", "the only one of its subject"),
    ]


def test_an_interaction_tells_the_subjects_and_samples_it_does_without():
    design = FOUR.with_columns(visit=pl.when(pl.col("sample") == "P1_product").then(pl.lit("D7")).otherwise("visit"))
    found = differential_expression(TABLE.drop("gene").to_numpy().T, GENES, design, INTERACTION)
    assert found.left_out.filter(pl.col("what") != "gene").drop("contrast").rows() == [
        ("subject", "A", "no sample of product not_seen_in_product"),
        ("sample", "P1_product", "of another level"),
    ]
    assert found.table["subjects"].unique().to_list() == [2]


def refused(counts=COUNTS, genes=GENES, design=DESIGN, contrast="visit:D28/product", **settings):
    with pytest.raises(AnalysisError) as caught:
        differential_expression(counts, genes, design, contrast, **({"pooled": True} | settings))
    return str(caught.value)


def test_one_subject_is_refused():
    here = (DESIGN["subject"] == "P1").to_numpy()
    message = refused(COUNTS[here], design=DESIGN.filter(pl.Series(here)))
    assert "too few subjects have every sample of visit:D28/product; found '1 of 1'; expected 2 or more" in message


def test_a_model_that_leaves_nothing_is_refused():
    here = DESIGN["subject"].is_in(["P1", "P2"]) & (DESIGN["visit"] != "D7")
    design = DESIGN.filter(here)
    assert "no residual degrees of freedom; found '4 samples, 4 coefficients'" in refused(
        COUNTS[here.to_numpy()], design=design.with_columns(batch=pl.Series(list("abaa"))), covariates=["batch"]
    )


@pytest.mark.parametrize(
    ("covariate", "words"),
    [
        (DESIGN["age"], "age is confounded with subject; leave age out: what it tells is taken into"),
        (DESIGN["visit"].replace_strict({"product": 1, "D7": 2, "D28": 2}), "visit is confounded with age"),
        (DESIGN["visit"] == "D7", "age is confounded with what the model holds; leave age out: what it tells"),
        (
            pl.Series(["product", "D7", "D28", "product", "D7", "x", "product", "D28", "product", "D7", "x"]),
            "visit is confounded with age",
        ),
        (pl.Series([np.nan] + [1.0] * 10), "a covariate is not finite"),
    ],
)
def test_a_covariate_that_cannot_be_told_apart_is_named(covariate, words):
    # in the fourth the product has a level of its own, so that with D7's column it tells D28
    assert words in refused(design=DESIGN.with_columns(covariate.alias("age")), covariates=["age"])


def test_a_batch_that_is_the_contrast_is_not_to_be_left_out():
    design = DESIGN.with_columns(batch=pl.when(pl.col("visit") == "product").then(pl.lit("a")).otherwise(pl.lit("b")))
    for settings in ({}, {"pooled": False}, {"subjects": "correlated"}):
        message = refused(design=design, covariates=["batch"], **settings)
        assert "visit is confounded with batch; found '0 of 4 subjects have all samples of visit:D28/product" in message
        assert "leave batch out" not in message
        assert message.endswith("; at one batch stand the samples of visit:D28/D7 (3 subjects)")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"counts": np.log2(COUNTS + 1)}, "not a raw count in sample P1_"),
        ({"counts": np.where(COUNTS == COUNTS.max(), np.inf, COUNTS)}, "; found inf; expected whole"),
        ({"counts": np.zeros_like(COUNTS)}, "sample P1_product has no counts"),
        ({"counts": np.eye(11, len(GENES))}, "no gene is counted enough to be tested"),
        (
            {"counts": COUNTS * (np.arange(11) != 5)[:, None] + np.eye(11, len(GENES), -4)},
            "row 7: a sample has no counts of",
        ),
        ({"genes": ["A", "A", *GENES[2:]]}, "a gene stands twice; found 'A'"),
        ({"engine": "voomm"}, "no such engine; found 'voomm'; did you mean 'voom'?"),
        ({"engine": "deseq2", "subjects": "correlated"}, "deseq2 knows subjects as levels only"),
        ({"covariates": ["sex"]}, "column sex: the design has no such column"),
        ({"counts": np.tile(1000, COUNTS.shape)}, "genes do not vary beside what the model tells"),
    ],
)
def test_what_cannot_be_tested_is_refused(changes, words):
    assert words in refused(**changes)


def test_a_copy_of_a_sample_stops_its_contrast_alone():
    copied = COUNTS.copy()
    copied[SAMPLES.index("P2_D7")] = copied[SAMPLES.index("P1_D7")]
    found = differential_expression(copied, GENES, DESIGN, ["visit:D28/product", "visit:D7/product"])
    assert found.table["contrast"].unique().to_list() == ["visit:D28/product"]
    told = found.left_out.filter(what="contrast").select("name", "reason").row(0)
    assert told[0] == "visit:D7/product"
    assert told[1].startswith("two samples hold the same counts; found 'P1_D7 and P2_D7'")


@pytest.mark.parametrize("contrast", ["visit:D28/product", "visit:D7/product"])
def test_a_copy_of_a_sample_of_another_level_stops_the_contrasts_of_both(contrast):
    copied = COUNTS.copy()
    copied[SAMPLES.index("P2_D7")] = copied[SAMPLES.index("P3_D28")]
    told = refused(copied, contrast=contrast, pooled=False)
    assert told.startswith("two samples hold the same counts; found 'P2_D7 and P3_D28'")


def test_an_interaction_is_not_fitted_with_a_correlation():
    counts = TABLE.drop("gene").to_numpy().T
    assert "an interaction is fitted within subjects" in refused(
        counts, design=FOUR, contrast=INTERACTION, subjects="correlated"
    )


def test_too_few_samples_for_a_correlation_are_refused():
    here = [0, 2, 3, 5, 6]  # product and D28 of P1 and P2, product of P3
    message = refused(COUNTS[here], design=DESIGN[here], covariates=["batch"], subjects="correlated")
    assert "no residual degrees of freedom; found '5 samples, 3 coefficients'" in message


def test_na_is_no_subject_and_no_level():
    level = DESIGN.with_columns(
        pl.when(pl.int_range(pl.len()) == 1).then(pl.lit("NA")).otherwise("visit").alias("visit")
    )
    found = differential_expression(COUNTS, GENES, level, "visit:D28/product")
    name = DESIGN["sample"][1]
    assert ("sample", name, "no visit") in found.left_out.select("what", "name", "reason").rows()
    subject = DESIGN.with_columns(subject=pl.when(pl.int_range(pl.len()) == 1).then(pl.lit("NaN")).otherwise("subject"))
    with pytest.raises(AnalysisError, match=f"column subject: the design lacks a value; found .none of sample {name}"):
        differential_expression(COUNTS, GENES, subject, "visit:D28/product")


@pytest.mark.parametrize(("samples", "genes"), [(0, 5), (11, 0), (0, 0)])
def test_counts_of_no_sample_or_gene_are_refused(samples, genes):
    told = f"the counts are of no sample or no gene; found '{samples} samples × {genes} genes'"
    with pytest.raises(AnalysisError, match=told):
        differential_expression(np.zeros((samples, genes)), GENES[:genes], DESIGN[:samples], "visit:D28/product")


def test_counts_may_be_lists_as_well():
    found = differential_expression(COUNTS.tolist(), GENES, DESIGN, "visit:D28/product").table
    assert found.equals(differential_expression(COUNTS, GENES, DESIGN, "visit:D28/product").table)
