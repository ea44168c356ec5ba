"""Planted faults: by hand in small tables, in real 10x samples whose labels are exchanged, in simulated trials."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tilseq.errors import AnalysisError, TableError
from tilseq.io.clonotypes import read_clonotypes
from tilseq.repertoire import Contamination, contamination
from tilseq.simulate.design import Design
from tilseq.simulate.trial import simulate_trial
from tilseq.tables import conform
from tilseq.tables.contamination import CONTAMINATION_TABLES

SUBJECTS, VISITS = "ABC", "123"


def table(junctions, counts=None, locus="TRB"):
    counts = [2] * len(junctions) if counts is None else counts
    columns = {"locus": [locus] * len(junctions), "junction": junctions, "duplicate_count": counts}
    return pl.DataFrame(columns, schema={"locus": pl.String, "junction": pl.String, "duplicate_count": pl.Int64})


def person(subject, visit, clones=200):
    """Return clones of a person: half are those of every visit, half of this one."""
    half = clones // 2
    return table([f"{subject}{i}" for i in range(half)] + [f"{subject}{visit}-{i}" for i in range(half)])


def trial(visits=VISITS, subjects=SUBJECTS):
    return {f"{subject}{visit}": person(subject, visit) for subject in subjects for visit in visits}


def told(samples, **given):
    subjects = {name: name[0] for name in samples} | given
    return contamination(samples, subjects=subjects, runs={name: f"run{name[1]}" for name in samples})


def verdicts(found):
    return dict(found.samples.select("sample", "verdict").iter_rows())


def pair(found, a, b):
    return found.pairs.filter(sample_a=a, sample_b=b).row(0, named=True)


def test_a_trial_without_a_fault():
    found = told(trial())
    assert set(verdicts(found).values()) == {"as_labelled"}
    assert found.samples["content_of"].to_list() == list("AAABBBCCC")
    assert found.samples.select("own_compared", "own_agree", "other_agree").unique().rows() == [(2, 2, 0)]
    assert found.pairs.height == 36
    assert set(found.pairs.filter(same_subject=True)["verdict"]) == {"agree"}
    assert set(found.pairs.filter(same_subject=False)["verdict"]) == {"chance"}
    row = pair(found, "A1", "A2")
    assert (row["shared"], row["tested"], row["same_run"]) == (100, 100, False)
    # no clone is shared by people: half a clone over the products of the 18 pairs of different runs
    assert row["expected"] == pytest.approx(0.5 / 18)
    assert pair(found, "A1", "B1")["same_run"]
    assert found.clones.height == 0
    frames = (found.pairs, found.rates, found.clones, found.samples)
    for frame, of in zip(frames, CONTAMINATION_TABLES, strict=True):
        assert conform(frame, of).equals(frame)


def test_samples_of_one_person_called_two_are_told_where_no_other_pair_is_there():
    """Half of 200 clones are the same, 2,500 of a million pairs: no two people share so many, and no pair says so."""
    found = contamination({"a": person("A", "1"), "b": person("A", "2")}, subjects={"a": "A", "b": "B"})
    assert verdicts(found) == {"a": "conflict", "b": "conflict"}
    assert set(found.pairs["verdict"]) == {"excess"}
    apart = contamination({"a": person("A", "1"), "b": person("B", "2")}, subjects={"a": "A", "b": "B"})
    assert verdicts(apart) == {"a": "cannot_tell", "b": "cannot_tell"}


def test_two_samples_that_were_exchanged():
    samples = trial()
    samples["A2"], samples["B2"] = samples["B2"], samples["A2"]
    found = told(samples)
    assert {name for name, verdict in verdicts(found).items() if verdict == "swapped"} == {"A2", "B2"}
    row = found.samples.filter(sample="A2").row(0, named=True)
    assert (row["content_of"], row["own_agree"], row["other_subject"], row["other_agree"]) == ("B", 0, "B", 2)
    assert pair(found, "A1", "B2")["verdict"] == "swap"
    assert pair(found, "A1", "A2")["verdict"] == "disagree"
    assert found.rates.filter(verdict="leak").height == 0


def test_of_two_subjects_with_two_samples_it_cannot_be_told_which_were_exchanged():
    samples = trial("12")
    samples["A2"], samples["B2"] = samples["B2"], samples["A2"]
    found = verdicts(told(samples))
    assert {name for name, verdict in found.items() if verdict == "conflict"} == {"A1", "A2", "B1", "B2"}
    assert found["C1"] == "as_labelled"


def test_a_sample_of_someone_else():
    samples = trial() | {"A2": person("X", "2")}
    found = told(samples)
    assert verdicts(found)["A2"] == "agrees_with_none"
    assert [verdict for name, verdict in verdicts(found).items() if name != "A2"] == ["as_labelled"] * 8
    assert found.samples.filter(sample="A2")["content_of"].to_list() == [None]


def test_a_sample_that_holds_clones_of_two():
    samples = trial()
    samples["A2"] = pl.concat([samples["A2"], samples["B3"].head(80)])
    assert {name for name, verdict in verdicts(told(samples)).items() if verdict == "mixed"} == {"A2"}


@pytest.mark.parametrize("other", ["B2", "A3"])
def test_one_file_that_stands_there_twice(other):
    samples = trial()
    samples[other] = samples["A2"].reverse()
    found = told(samples)
    assert {name for name, verdict in verdicts(found).items() if verdict == "duplicate"} == {"A2", other}
    assert found.samples.filter(sample=other)["content_of"].to_list() == ["A"]
    assert "the same clones and shares as A2" in found.samples.filter(sample=other)["reason"][0]
    assert pair(found, *sorted(("A2", other)))["verdict"] == "duplicate"


def test_a_failed_library_is_not_accused():
    samples = trial() | {"A2": table([f"A2-{i}" for i in range(5)], [1] * 5)}
    found = told(samples)
    row = found.samples.filter(sample="A2").row(0, named=True)
    assert (row["verdict"], row["depth"], row["own_compared"], row["content_of"]) == ("cannot_tell", "shallow", 0, None)
    assert (row["counts"], row["usual_counts"]) == (5, 400)
    assert pair(found, "A1", "A2")["verdict"] == "cannot_tell"


@pytest.mark.parametrize(("kind", "usual", "depth"), [("cells", None, None), ("umis", 2_000, "shallow")])
def test_cells_are_no_shallow_library_of_molecules(kind, usual, depth):
    samples = {name: table([f"{name}-{i}" for i in range(500)], [4] * 500) for name in ("A1", "B1", "C1")}
    samples["A2"] = table([f"A2-{i}" for i in range(90)], [1] * 90)
    kinds = dict.fromkeys(samples, "umis") | {"A2": kind}
    found = contamination(samples, subjects={name: name[0] for name in samples}, count_of=kinds).samples
    row = found.filter(sample="A2").row(0, named=True)
    assert (row["counts"], row["usual_counts"], row["depth"]) == (90, usual, depth)
    assert found.filter(sample="A1")["usual_counts"][0] == 2_000


def test_a_failed_library_full_of_what_leaked_is_not_taken_for_another_subject():
    large = {name: frame.with_columns(duplicate_count=pl.lit(100)) for name, frame in trial().items()}
    leaked = table([f"B{i}" for i in range(30)] + [f"A2-{i}" for i in range(5)], [1] * 35)
    found = told(large | {"A2": leaked})
    assert verdicts(found)["A2"] == "cannot_tell"
    assert found.rates.filter(verdict="leak").drop_nulls("recipient")["recipient"].to_list() == ["A2"]


def test_a_leak_says_what_its_counts_are_of():
    large = {name: frame.with_columns(duplicate_count=pl.lit(100)) for name, frame in trial().items()}
    samples = large | {"A2": table([f"B{i}" for i in range(30)] + [f"A2-{i}" for i in range(5)], [1] * 35)}
    given = {"subjects": {name: name[0] for name in samples}, "runs": {name: f"run{name[1]}" for name in samples}}

    def kinds(**of):
        rates = contamination(samples, **given, count_of=of).rates.filter(verdict="leak")
        return [(row["recipient"], row["count_of"]) for row in rates.iter_rows(named=True)]

    of_all = dict.fromkeys(samples, "umis")
    assert kinds(**of_all) == [("A2", "umis"), (None, "umis")]
    assert kinds(**of_all | {"A2": "reads"}) == [("A2", "reads, umis"), (None, "reads, umis")]
    # C2 takes no part in what of B2 came into A2.
    assert kinds(**of_all | {"C2": "cells"}) == [("A2", "umis"), (None, "cells, umis")]
    assert kinds() == [("A2", None), (None, None)]


def test_public_clones_are_no_fault():
    random = np.random.default_rng(2)
    public = [f"P{i}" for i in range(400)]
    samples = {
        name: pl.concat([frame, table([public[i] for i in random.choice(400, 40, replace=False)])])
        for name, frame in trial().items()
    }
    found = told(samples)
    assert set(verdicts(found).values()) == {"as_labelled"}
    assert pair(found, "A1", "B2")["expected"] == pytest.approx(4, rel=0.2)  # 40 * 40 / 400


def test_loci_are_held_apart():
    samples = {name: pl.concat([frame, frame.with_columns(locus=pl.lit("TRA"))]) for name, frame in trial().items()}
    found = told(samples)
    assert found.pairs.group_by("locus").len().sort("locus").rows() == [("TRA", 36), ("TRB", 36)]
    assert set(found.pairs["shared"]) == {0, 100}
    only = told(trial() | {"A2": person("A", "2").with_columns(locus=pl.lit("TRG"))})
    assert only.pairs.filter((pl.col("sample_a") == "A2") | (pl.col("sample_b") == "A2")).height == 0
    assert verdicts(only)["A2"] == "cannot_tell"


def test_the_order_of_samples_and_rows_changes_nothing():
    samples = trial()
    samples["A2"], samples["B2"] = samples["B2"], samples["A2"]
    samples["C1"] = pl.concat([samples["C1"], table(["A0", "A1", "A2-5"], [1, 1, 1])])
    turned = {name: samples[name].reverse() for name in reversed(samples)}
    one, other = told(samples), told(turned)
    for name in ("samples", "pairs", "rates", "clones"):
        a, b = getattr(one, name), getattr(other, name)
        if name == "pairs":  # the first of a pair is the one given first
            ends = ("sample_a", "sample_b")
            a, b = (
                frame.with_columns(sample_a=pl.min_horizontal(ends), sample_b=pl.max_horizontal(ends)).sort(ends)
                for frame in (a, b)
            )
        assert_frame_equal(a, b)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_tables_give_a_verdict_each(data):
    junction = st.text("AC", min_size=1, max_size=4)
    tables = {
        name: table(list(clones), list(clones.values()), data.draw(st.sampled_from(["TRA", "TRB"])))
        for name in ("A1", "A2", "B1", "C1")
        if (clones := data.draw(st.dictionaries(junction, st.integers(1, 300), max_size=25))) is not None
    }
    found = told(tables)
    assert found.samples["sample"].to_list() == sorted(tables)
    assert (found.clones["donor_count"] > found.clones["duplicate_count"]).all()
    assert (found.pairs["tested"] <= found.pairs["shared"]).all()


def test_of_one_subject_nothing_can_be_told():
    found = told(trial(subjects="A"))
    assert set(verdicts(found).values()) == set(found.pairs["verdict"]) == {"cannot_tell"}
    assert found.pairs.select("expected", "p").null_count().row(0) == (3, 3)
    assert set(found.rates["verdict"]) == {"cannot_tell"}


def test_what_cannot_be():
    samples = trial()
    with pytest.raises(AnalysisError, match="has no subject.*A1"):
        contamination(samples, subjects={})
    with pytest.raises(AnalysisError, match="a run is given of a sample that there is not.*Z9.*the samples are A1, A2"):
        contamination(samples, subjects=dict.fromkeys(samples, "A"), runs={"Z9": "r"})
    with pytest.raises(TableError, match="needs this column"):
        contamination({"A1": pl.DataFrame({"junction": []})}, subjects={"A1": "A"})
    nothing = contamination({}, subjects={})
    assert [frame.height for frame in vars(nothing).values()] == [0] * 4
    assert isinstance(nothing, Contamination)


def test_pandas_does_as_well():
    assert told({name: frame.to_pandas() for name, frame in trial().items()}).samples.equals(told(trial()).samples)


@pytest.fixture(scope="module")
def tenx(shared_data):
    folder = shared_data / "screpertoire" / "contigs"
    return {path.name[:4]: read_clonotypes(path).table for path in sorted(folder.glob("*.csv.gz"))}


def test_real_samples_of_four_subjects(tenx):
    of = {name: name[:3] for name in tenx}
    found = contamination(tenx, subjects=of, runs=dict.fromkeys(tenx, "one"))
    assert set(verdicts(found).values()) == {"as_labelled"}
    assert found.pairs.group_by("same_subject", "verdict").len().sort("same_subject").rows() == [
        (False, "chance", 48),
        (True, "agree", 8),
    ]
    # counted by a plain join of the files
    assert pair(found, "P19B", "P19L")["shared"] == 286
    assert found.pairs.filter(sample_a="P19B", sample_b="P20B", locus="TRA")["shared"].to_list() == [41]
    assert found.rates.filter(verdict="leak").height == 0
    wrong = contamination(tenx, subjects=of | {"P17L": "P19"})
    assert {name for name, verdict in verdicts(wrong).items() if verdict == "swapped"} == {"P17L"}
    both = verdicts(contamination(tenx, subjects=of | {"P17L": "P18", "P18L": "P17"}))
    assert {name for name, verdict in both.items() if verdict == "conflict"} == {"P17B", "P17L", "P18B", "P18L"}


def simulated(folder, **confounders):
    settings = {
        "seed": 4,
        "visits": ["baseline", "D7", "D28"],
        "assays": ["tcr"],
        "depth": 3_000,
        "memory_clones": 3_000,
    }
    simulate_trial(folder, Design.model_validate(settings | {"confounders": confounders}))
    samples = pl.read_csv(folder / "samples.csv")
    tables = {name: read_clonotypes(folder / path).table for name, path in samples.select("sample", "path").iter_rows()}
    words = (dict(samples.select("sample", word).iter_rows()) for word in ("subject", "run"))
    return tables, *words


def test_a_simulated_trial_without_a_fault(tmp_path):
    tables, subjects, runs = simulated(tmp_path / "trial")
    found = contamination(tables, subjects=subjects, runs=runs)
    assert set(verdicts(found).values()) == {"as_labelled"}
    assert set(found.pairs["verdict"]) <= {"agree", "chance", "cannot_tell"}
    assert found.rates.filter(verdict="leak").height == 0


def test_faults_planted_in_a_simulated_trial_are_found(tmp_path):
    rate = 0.01
    tables, subjects, runs = simulated(
        tmp_path / "trial",
        swapped_pair={},
        failed_library={"sample": "SIM-02_D28_tcr", "depth": 40},
        index_hopping={"source": "SIM-01_D7_tcr", "into": "SIM-02_D7_tcr", "rate": rate},
        public_clone={},
    )
    found = contamination(tables, subjects=subjects, runs=runs)
    accused = {name for name, verdict in verdicts(found).items() if verdict not in ("as_labelled", "cannot_tell")}
    assert accused == {"SIM-03_D7_tcr", "SIM-04_D7_tcr"}
    assert found.samples.filter(depth="shallow")["sample"].to_list() == ["SIM-02_D28_tcr"]
    leak = found.rates.filter(verdict="leak").drop_nulls("recipient")
    assert leak.select("run", "donor_subject", "recipient").rows() == [("seq-D7", "SIM-01", "SIM-02_D7_tcr")]
    assert leak["lower"][0] <= rate <= leak["upper"][0]
    truth = pl.read_csv(tmp_path / "trial" / "truth" / "libraries.csv").filter(sample="SIM-02_D7_tcr")
    called = found.clones.filter(sample="SIM-02_D7_tcr", verdict="leak")["duplicate_count"].sum()
    assert 0.6 * truth["arrived_from_another"][0] <= called <= truth["arrived_from_another"][0]
