"""Groups compared: R's figures in the rows, families and q, and words where there is nothing to compare."""

import polars as pl
import pytest

from tests.clinical.survival_sets import aml, read, table
from tilseq.clinical import survival_contrasts
from tilseq.errors import AnalysisError

ARM = aml().select("subject", "arm")


def lung():
    rows = read("lung")
    texts = {name: rows[name].cast(pl.String) for name in ("sex", "ph_ecog")}
    return table(rows["days"], rows["event"] == 1, **texts)


def one(found, method, **where):
    return found.filter(pl.col("method") == method, **where).row(0, named=True)


def test_lung_by_sex():
    found = survival_contrasts(lung(), lung().select("subject", "sex"), rmst_day=365)
    row = one(found, "log_rank")
    assert (row["contrast"], row["statistic"], row["df"]) == ("sex", pytest.approx(10.32674195), 1)
    row = one(found, "cox")
    assert (row["contrast"], row["estimate"]) == ("sex:2/1", pytest.approx(0.5880028186))
    assert (row["statistic"], row["p"]) == pytest.approx((-3.176384961, 0.001491229205))
    row = one(found, "rmst_difference")
    assert (row["at_day"], row["estimate"]) == (365, pytest.approx(297.4654095 - 241.4950852))


def test_strata_and_who_has_no_group():
    known = lung().filter(pl.col("ph_ecog").is_not_null())
    found = survival_contrasts(known, lung().select("subject", "sex"), strata=lung().select("subject", "ph_ecog"))
    assert one(found, "log_rank")["statistic"] == pytest.approx(10.79505963)
    with pytest.raises(AnalysisError, match="a subject has no stratum; found '13'"):
        survival_contrasts(lung(), lung().select("subject", "sex"), strata=lung().select("subject", "ph_ecog"))
    row = one(survival_contrasts(lung(), lung().select("subject", "ph_ecog")), "log_rank")
    assert (row["subjects"], row["statistic"]) == (227, pytest.approx(21.96213168))
    assert row["reason"] == (
        "left out: 1 without ph_ecog; p by 9,999 permutations, as a group has fewer than 5 expected events: "
        "it holds where groups are censored alike"
    )


def test_a_reference_turns_the_ratio_round():
    first = one(survival_contrasts(aml(), ARM), "cox")
    other = one(survival_contrasts(aml(), ARM, reference={"arm": "not"}), "cox")
    assert (first["contrast"], other["contrast"]) == ("arm:not/maintained", "arm:maintained/not")
    assert first["estimate"] * other["estimate"] == pytest.approx(1)
    with pytest.raises(AnalysisError, match="no subject is of the reference"):
        survival_contrasts(aml(), ARM, reference={"arm": "placebo"})


def test_q_is_over_the_log_rank_tests_of_a_declared_family():
    # Three endpoints with p of their own; two are declared together.
    later = [day + 7 * (i % 3) for i, day in enumerate(aml()["days"])]
    rows = pl.concat([aml(), aml().with_columns(parameter=pl.lit("PFS"), days=pl.Series(later))])
    rows = pl.concat([rows, aml().with_columns(parameter=pl.lit("TTP"), days=aml()["days"].reverse())])
    found = survival_contrasts(rows, ARM, families={"primary": ["OS", "PFS"]})
    ranks = found.filter(method="log_rank")
    assert ranks["exploratory"].to_list() == [False, False, True]
    assert ranks["family"].to_list() == ["primary", "primary", "exploratory"]
    low, high = sorted(ranks["p"][:2])
    assert sorted(ranks["q"][:2]) == pytest.approx([min(2 * low, high), high])
    assert ranks["q"][2] == ranks["p"][2]
    # A hazard ratio tells how large; the same hypothesis has its test above.
    assert found.filter(pl.col("method") != "log_rank")["q"].null_count() == found.height - ranks.height
    with pytest.raises(AnalysisError, match="declares an endpoint without times; found 'PSF'"):
        survival_contrasts(rows, ARM, families={"primary": ["PSF"]})
    with pytest.raises(AnalysisError, match="two families declare an endpoint"):
        survival_contrasts(rows, ARM, families={"a": ["OS"], "b": ["OS"]})
    # Named twice in its own family an endpoint is one.
    twice = survival_contrasts(rows, ARM, families={"primary": ["OS", "PFS", "OS"]})
    assert twice.equals(found)


def test_a_declared_endpoint_that_nobody_has_a_time_to_says_so_and_the_others_are_compared():
    found = survival_contrasts(aml(), ARM, families={"primary": ["PFS", "OS"]})
    (row,) = found.filter(parameter="PFS").to_dicts()
    told = ("method", "contrast", "family", "exploratory", "subjects", "events", "p", "q", "reason")
    assert [row[name] for name in told] == [
        "log_rank", "arm", "primary", False, 0, 0, None, None, "cannot be estimated: nobody has a time to PFS",
    ]  # fmt: skip
    # One test is left in the family: its q is its p.
    of_os = one(found.filter(parameter="OS"), "log_rank")
    assert of_os["q"] == of_os["p"] is not None


@pytest.mark.parametrize(
    ("days", "event", "arms", "rank", "ratio"),
    [
        ([5, 9], [True, True], ["a", "a"], "one group", None),
        ([None, None], [None, None], ["a", "b"], "nobody could be evaluated", None),
        ([5, 9, 11], [False] * 3, ["a", "b", "b"], "no event", "no event"),
        ([5, 9], [True, None], ["a", "b"], "one group", None),
    ],
)
def test_words_where_there_is_nothing_to_compare(days, event, arms, rank, ratio):
    rows = table([day if flag is not None else None for day, flag in zip(days, event, strict=True)], event)
    found = survival_contrasts(rows, pl.DataFrame({"subject": rows["subject"], "arm": arms}))
    row = one(found, "log_rank")
    assert row["reason"].endswith(f"cannot be estimated: {rank}") and row["p"] is None
    if ratio:
        assert one(found, "proportional_hazards")["reason"] == "cannot be estimated: no hazard ratio"
    ratios = found.filter(method="cox")
    assert [row["reason"] for row in ratios.rows(named=True)] == [f"cannot be estimated: {ratio}"] * bool(ratio)


def test_a_group_without_an_event_has_no_ratio_but_a_test():
    days = [3, 5, 8, 10, 40, 50, 60, 70]
    rows = table(days, [True] * 4 + [False] * 4)
    groups = pl.DataFrame({"subject": rows["subject"], "arm": ["a"] * 4 + ["b"] * 4})
    found = survival_contrasts(rows, groups)
    row = one(found, "cox")
    assert (row["estimate"], row["upper"], row["p"]) == (None, None, None)
    assert row["reason"].startswith("cannot be estimated: the hazard ratio has no end")
    assert one(found, "log_rank")["p"] == pytest.approx(2 / 70, abs=0.006)  # of 70 ways two lie as far apart


def two_readers():
    rows = pl.concat([aml().with_columns(parameter=pl.lit("PFS"), reader=pl.lit(name)) for name in ("b", "a")])
    moved = pl.when(pl.col("reader") == "a").then(pl.col("days") + 3 * (pl.col("days") % 2)).otherwise("days")
    overall = aml().with_columns(reader=pl.lit(None, pl.String), days=pl.col("days") + 10 * (pl.col("days") % 3))
    return pl.concat([overall, rows.with_columns(days=moved)], how="diagonal_relaxed")


def test_each_reader_but_the_endpoints_is_a_family_of_its_own():
    found = survival_contrasts(two_readers(), ARM, endpoint_reader="a").filter(method="log_rank")
    families = dict(
        found.select(pl.concat_list("parameter", pl.col("reader").fill_null("-")).list.join(" "), "family").rows()
    )
    assert families == {"OS -": "exploratory", "PFS a": "exploratory", "PFS b": "exploratory, reader b"}
    own = found.filter(family="exploratory")
    low, high = sorted(own["p"])
    assert sorted(own["q"]) == pytest.approx(sorted([min(2 * low, high), high]))
    other = found.filter(reader="b")
    assert other["q"].item() == other["p"].item()
    # Nobody says who: the two readers and what no scan decides are apart.
    apart = survival_contrasts(two_readers(), ARM).filter(method="log_rank")
    assert sorted(apart["family"]) == ["exploratory", "exploratory, reader a", "exploratory, reader b"]
    with pytest.raises(AnalysisError, match="no reader of this name; found 'c'; expected a, b"):
        survival_contrasts(two_readers(), ARM, endpoint_reader="c")


def test_a_p_that_is_unsure_moves_no_other():
    few = pl.DataFrame({"subject": ARM["subject"], "arm": ARM["arm"], "kind": ["x"] * 2 + ["y"] * 21})
    found = survival_contrasts(aml(), few, permutations=0).filter(method="log_rank")
    assert found["reason"].to_list() == [None, "p by chi-square is unsure, as a group has fewer than 5 expected events"]
    assert found["q"].to_list() == [found["p"][0], None]
    sure = survival_contrasts(aml(), few).filter(method="log_rank")
    assert sure["q"].null_count() == 0


@pytest.mark.parametrize(("ties", "statistic", "p"), [
    ("efron", 2.86323514932, 0.090625064253), ("breslow", 2.85295157049, 0.0912063504941),
])  # fmt: skip
def test_whether_the_hazard_ratio_of_lung_stands_still(ties, statistic, p):
    row = one(survival_contrasts(lung(), lung().select("subject", "sex"), ties=ties), "proportional_hazards")
    assert (row["contrast"], row["df"], row["q"]) == ("sex:2/1", 1, None)
    assert (row["statistic"], row["p"]) == pytest.approx((statistic, p), rel=1e-7)
    known = lung().filter(pl.col("ph_ecog").is_not_null())
    within = survival_contrasts(known, lung().select("subject", "sex"), strata=lung().select("subject", "ph_ecog"))
    assert one(within, "proportional_hazards")["statistic"] == pytest.approx(2.3681077108, rel=1e-7)
    still = one(survival_contrasts(aml(), ARM, ties=ties), "proportional_hazards")["statistic"]
    assert still == pytest.approx({"efron": 0.00787507772332, "breslow": 0.0135754533355}[ties], rel=1e-6)


def test_permutations_stand_in_for_chi_square():
    found = survival_contrasts(aml(), ARM, permutations=2000, seed=4)
    row = one(found, "log_rank")
    assert row["statistic"] == pytest.approx(3.396, abs=0.001)  # R: survdiff(Surv(time, status) ~ x, aml), p 0.0653
    assert row["p"] == pytest.approx(0.065, abs=0.02)
    assert found.equals(survival_contrasts(aml().reverse(), ARM.reverse(), permutations=2000, seed=4))
