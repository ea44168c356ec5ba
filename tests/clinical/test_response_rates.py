"""Rates of response: published counts, who is in the denominator, and how often the exact limits cover."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from tests.clinical.reads import recorded
from tilseq.clinical import BestResponsePolicy, best_response, response_rates
from tilseq.errors import AnalysisError, StudyError
from tilseq.intervals import clopper_pearson

SUBJECTS = pl.DataFrame(
    {
        "subject": ["A", "B", "C", "D", "E"],
        "tumor_type": ["melanoma", "melanoma", "cervical", "cervical", "melanoma"],
        "age": [50, 51, 52, 53, 54],
    }
)
READS = [
    ("A", 42, "PR"),
    ("A", 84, "PR"),
    ("B", 42, "PR"),
    ("B", 84, "PD"),
    ("C", 42, "NON-CR/NON-PD"),
    ("D", 28, "SD"),
]
INFUSED = pl.DataFrame({"subject": ["A", "B", "C", "D", "E"], "infusion": [1] * 5, "day": [0] * 5})


def rates(subjects=SUBJECTS, infusions=INFUSED, reads=READS, **options):
    return response_rates(best_response(recorded(reads)), subjects, infusions, **options)


def count(table, parameter, confirmation="required", group="all", population="infused"):
    same = {"parameter": parameter, "qualifier": f"confirmation={confirmation}", "group": group}
    row = table.filter(population=population, **same)
    return row.select("numerator", "denominator").row(0)


def test_protocol_rates_over_all_and_by_tumour_type():
    table = rates()
    assert count(table, "ORR") == (1, 5)  # A alone is confirmed
    assert count(table, "ORR", "not_required") == (2, 5)
    assert count(table, "DCR") == (2, 5)  # B's PR of day 42 is SD; C is NON-CR/NON-PD, D too early, E not assessed
    assert count(table, "ORR", group="tumor_type=melanoma") == (1, 3)
    assert count(table, "DCR", group="tumor_type=cervical") == (0, 2)
    assert set(table["group"]) == {"all", "tumor_type=melanoma", "tumor_type=cervical"}
    assert set(table["population"]) == {"infused", "enrolled"}


def test_disease_control_may_include_non_cr_non_pd():
    policy = BestResponsePolicy(disease_control=("CR", "PR", "SD", "NON-CR/NON-PD"))
    assert count(rates(policy=policy), "DCR") == (3, 5)


def test_best_responses_add_up_to_everyone():
    table = rates().filter(parameter="BOR", group="all", population="infused").with_columns(
        response=pl.col("qualifier").str.extract("response=(.*)$")
    )  # fmt: skip
    required = table.filter(pl.col("qualifier").str.contains("=required"))
    counts = dict(required.select("response", "numerator").rows())
    assert counts == {
        "CR": 0, "PR": 1, "SD": 1, "NON-CR/NON-PD": 1, "PD": 0, "NE": 1, "not_assessed": 1
    }  # fmt: skip


def test_the_denominator_is_told_in_words():
    text = (
        "5 infused subjects; 1 of them without an assessment that counts, so without response; "
        "SD counts from 42 days on, 1 fell short of it"
    )
    assert told(rates()) == text
    unknown = rates(infusions=None).filter(group="all").row(0, named=True)
    assert unknown["population"] == "subjects"
    assert unknown["denominator_text"].endswith("who was infused is not known: all are taken")
    fewer = response_rates(best_response(recorded(READS)), None, INFUSED.filter(pl.col("subject") != "A"))
    assert told(fewer).startswith("4 infused subjects;")
    assert told(fewer).endswith("assessed but not infused, left out: A")


def told(table, group="all", population="infused"):
    row = table.filter(parameter="ORR", qualifier="confirmation=required", group=group, population=population)
    return row["denominator_text"].item()


def test_rates_over_the_infused_and_over_the_enrolled_name_their_difference():
    table = rates(infusions=INFUSED.filter(pl.col("subject") != "E"))
    assert count(table, "ORR") == (1, 4)
    assert count(table, "ORR", population="enrolled") == (1, 5)
    assert told(table).endswith("; 1 enrolled and never infused left out: E")
    assert told(table, population="enrolled").endswith("; 1 of them never infused: E")
    # E has melanoma: the denominators of cervical tumours are the same.
    assert told(table, "tumor_type=cervical") == "2 infused subjects; SD counts from 42 days on, 1 fell short of it"
    assert told(rates(), "tumor_type=cervical", "enrolled").startswith("2 enrolled subjects; SD")


def test_a_randomised_study_has_rates_by_arm_and_the_pooled_ones_say_so():
    subjects = SUBJECTS.with_columns(arm=pl.Series(["TIL", "control", "TIL", "control", None]))
    table = rates(subjects)
    assert set(table["group"]) == {"all", "arm=TIL", "arm=control", "tumor_type=melanoma", "tumor_type=cervical"}
    assert count(table, "ORR", group="arm=TIL") == (1, 2)
    assert count(table, "ORR", group="arm=control") == (0, 2)
    assert told(table).endswith("; arms pooled: TIL, control")
    assert "pooled" not in told(table, "arm=TIL")
    one_arm = rates(SUBJECTS.with_columns(arm=pl.lit("TIL")))
    assert set(one_arm["group"]) == {"all", "tumor_type=melanoma", "tumor_type=cervical"}
    assert "pooled" not in told(one_arm)


def test_one_subject_is_told_in_the_singular():
    table = rates(None, pl.DataFrame({"subject": ["A"]}), [("A", 42, "PR"), ("A", 84, "PR")])
    assert told(table).startswith("1 infused subject; ")


def test_a_subject_that_could_not_be_derived_stays_in_the_denominator_and_is_named():
    best = best_response(recorded(READS[2:]), subjects=SUBJECTS, underived=["A"])
    table = response_rates(best, SUBJECTS, INFUSED, underived=["A"])
    assert count(table, "ORR") == (0, 5)
    assert told(table).endswith("; of these A could not be derived: not assessed")
    assert told(table, "tumor_type=melanoma").endswith("; of these A could not be derived: not assessed")
    assert "derived" not in told(table, "tumor_type=cervical")
    assert count(table, "BOR", "required;response=not_assessed") == (2, 5)
    alone = response_rates(best_response(recorded(READS[2:])), underived=["A"]).filter(parameter="ORR")
    assert alone["denominator"].unique().to_list() == [4]  # B, C, D and A


def test_an_infused_subject_without_any_response_stays_in_the_denominator():
    table = rates(None, pl.DataFrame({"subject": ["A", "Z"]}), [("A", 42, "PR"), ("A", 84, "PR")])
    assert count(table, "ORR") == (1, 2)
    assert told(table).startswith(
        "2 infused subjects; 1 of them without an assessment that counts, so without response; SD"
    )


def test_each_reader_has_rates_of_its_own():
    table = best_response(pl.concat([recorded([("A", 42, "PD")], "x"), recorded([("A", 42, "SD")], "y")]))
    found = response_rates(table).filter(parameter="DCR")
    assert dict(found.select("qualifier", "numerator").rows()) == {
        "confirmation=not_required;reader=x": 0,
        "confirmation=not_required;reader=y": 1,
        "confirmation=required;reader=x": 0,
        "confirmation=required;reader=y": 1,
    }


@pytest.mark.parametrize(("responders", "total", "lower", "upper"), [(48, 153, 24.1, 39.4), (24, 66, 24.9, 49.1)])
def test_published_rates_of_lifileucel(responders, total, lower, upper):
    # C-144-01: 48 of 153 (Chesney et al., J Immunother Cancer 2022;10:e005755), 24 of 66 (Sarnaik et al., J Clin Oncol
    # 2021;39:2656): ORR 31.4 % (24.1 to 39.4) and 36.4 % (24.9 to 49.1).
    reads = [(f"S{i}", day, "PR" if i < responders else "SD") for i in range(total) for day in (42, 84)]
    row = rates(None, None, reads).filter(parameter="ORR", qualifier="confirmation=required").row(0, named=True)
    assert (row["numerator"], row["denominator"]) == (responders, total)
    assert [round(100 * row[name], 1) for name in ("lower", "upper")] == [lower, upper]
    assert row["method"] == "Clopper-Pearson, exact"


def test_nobody_responds_or_everybody_does():
    everyone = rates(None, None, [(f"S{i}", day, "CR") for i in range(10) for day in (42, 84)])
    orr = everyone.filter(parameter="ORR").select("estimate", "lower", "upper").row(0)
    assert orr == pytest.approx((1, 1 - 0.308497, 1), abs=1e-6)  # R: binom.test(10, 10)
    pd = everyone.filter(parameter="BOR", qualifier="confirmation=required;response=PD")
    assert pd.select("estimate", "lower", "upper").row(0) == pytest.approx((0, 0, 0.308497), abs=1e-6)


def test_a_subject_that_is_not_in_subjects_and_a_second_source_are_refused():
    with pytest.raises(StudyError, match="with a best response is not in subjects"):
        rates(SUBJECTS.filter(pl.col("subject") != "A"), None)
    with pytest.raises(StudyError, match="with an infusion is not in subjects"):
        rates(infusions=pl.DataFrame({"subject": ["A", "Z"]}))
    one = best_response(recorded([("A", 42, "SD")]))
    with pytest.raises(AnalysisError, match="give the rows of one source"):
        response_rates(pl.concat([one, one.with_columns(source=pl.lit("derived"))]))


@pytest.mark.parametrize("total", [10, 24, 66, 153])
def test_the_limits_cover_at_least_95_of_100_trials_whatever_the_rate(total):
    # Exact coverage: the binomial weight of every count whose limits hold the rate.
    counts = np.arange(total + 1)
    lower, upper = clopper_pearson(counts, np.full(total + 1, total))
    shares = np.linspace(0.005, 0.995, 199)
    held = (lower <= shares[:, None]) & (shares[:, None] <= upper)
    coverage = (binom.pmf(counts, total, shares[:, None]) * held).sum(axis=1)
    assert coverage.min() >= 0.95


def test_limits_of_simulated_trials_cover_the_rate():
    # 200 trials of 30 subjects of whom each responds with the chance 0.31: response, confirmation and limits together.
    random = np.random.default_rng(8)
    responders = random.binomial(30, 0.31, 200)
    reads = [
        (f"{trial}-{i}", day, "PR" if i < n else "SD")
        for trial, n in enumerate(responders)
        for i in range(30)
        for day in (42, 84)
    ]
    best = best_response(recorded(reads)).filter(confirmation="required")
    trials = best.group_by(pl.col("subject").str.extract(r"^(\d+)-").alias("trial")).agg(
        pl.col("best_response").is_in(["CR", "PR"]).sum().alias("n")
    )
    lower, upper = clopper_pearson(trials["n"].to_numpy(), np.full(200, 30))
    assert ((lower <= 0.31) & (upper >= 0.31)).mean() >= 0.95
