from importlib import import_module
from pathlib import Path

import polars as pl
import pytest

from tilseq.steps import repertoire, tracking
from tilseq.steps.job import Job
from tilseq.tables.contamination import SAMPLE_IDENTITY, SUSPICIOUS_CLONES

PRODUCT = {"AAA": 5000, "CCC": 2000, "GGG": 40}
BASELINE = {"CCC": 30, "TTT": 4970}


class Subject:
    """Samples of one subject, their repertoire jobs, and the tracking job that needs them."""

    def __init__(self, folder: Path, make_sample, write_clones) -> None:
        self.folder, self.sample, self.write = folder, make_sample, write_clones
        self.rows: dict[str, dict] = {}
        self.needs: list[str] = []

    def add(self, name, counts, *, specimen="blood", gene="TRB", **cells):
        path = self.folder / f"{name}.tsv"
        self.write(path, counts, count="duplicate_count", gene=gene)
        told = {"assay": "tcr", "count_of": "templates"}
        row = self.sample(name, specimen=specimen, path=f"raw/{name}.tsv", **told | cells)
        self.rows[f"repertoire/{name}"] = row
        job = Job("repertoire", name, f"repertoire/{name}", paths=(str(path),), sample=row,
                  arguments={"dialect": None, "locus": None, "least_yield": 0.05})  # fmt: skip
        repertoire.run(job, self.folder / "work" / "repertoire" / name)
        return self

    def contaminated(self, identity=(), clones=()):
        folder = self.folder / "work" / "contamination" / "all"
        folder.mkdir(parents=True)
        of_sample = {"subject": "S1", "clones": 1, "counts": 1, "own_compared": 1, "own_agree": 0,
                     "other_compared": 1, "other_agree": 1, "arrived": 0}  # fmt: skip
        of_clone = {"locus": "TRB", "duplicate_count": 30, "run": "r", "donor": "x", "donor_count": 9000,
                    "expected_leak": 9, "most_leaked": 40}  # fmt: skip
        SAMPLE_IDENTITY.frame([{**of_sample, **row} for row in identity]).write_parquet(
            folder / "sample_identity.parquet"
        )
        SUSPICIOUS_CLONES.frame([{**of_clone, **row} for row in clones]).write_parquet(
            folder / "suspicious_clones.parquet"
        )
        self.needs.append("contamination/all")
        return self

    def run(self, failed=(), lots=(None,)):
        arguments = {"reference": "infusion_product", "samples": self.rows, "threshold": 1e-3, "failed": list(failed)}
        arguments["infusions"] = [lot if isinstance(lot, dict) else {"day": 0, "lot": lot} for lot in lots]
        job = Job("tracking", "S1", "tracking/S1", needs=(*self.rows, *self.needs), arguments=arguments)
        folder = self.folder / "work" / "tracking" / "S1"
        tracking.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """Folders of the figures asked for; none is drawn, which would take most of the time."""
    folders = []
    monkeypatch.setattr(tracking, "draw_tracking", lambda *given: folders.append(given[-1]))
    return folders


@pytest.fixture
def subject(tmp_path, sample, write_clones):
    made = Subject(tmp_path, sample, write_clones)
    made.add("lot", PRODUCT, specimen="infusion_product", day=-1).add("base", BASELINE, day=-8)
    return made.add("d28", {"AAA": 3000, "CCC": 50, "TTT": 1000, "NEW": 950})


def test_clones_and_origins_of_a_subject(subject, drawn):
    tables = subject.add("tum", {"GGG": 10, "XXX": 3000}, specimen="tumor", day=-30).run()
    origins = dict(tables["origins"].select("junction", "origin").iter_rows())
    assert origins == {
        "AAA": "infused_only",
        "CCC": "infused_and_preexisting",
        "GGG": "infused_only",
        "TTT": "preexisting_only",
        "NEW": "indeterminate",
        "XXX": "indeterminate",
    }
    assert set(tables["origins"]["subject"]) == {"S1"}
    calls = {(row["sample"], row["junction"]): row["call"] for row in tables["clones"].iter_rows(named=True)}
    assert [calls["d28", "AAA"], calls["base", "AAA"], calls["tum", "GGG"]] == ["present", "absent", "present"]
    assert tables["origin_classes"].filter(origin="infused_only")["clones"].to_list() == [2]
    assert tables["trend"].height == tables["quality"].height == 0
    assert [path.parts[-3:] for path in drawn] == [("tracking", "S1", "figures")]


def test_changes_are_from_the_product_and_from_visit_to_visit(subject):
    tables = subject.add("d42", {"AAA": 1000, "CCC": 4000}, day=42).run()
    change = tables["change"]
    assert change.select("sample_before", "sample_after").unique().sort(pl.all()).rows() == [
        ("base", "d28"), ("d28", "d42"), ("lot", "d28"), ("lot", "d42"),
    ]  # fmt: skip
    called = {(row["sample_before"], row["sample_after"], row["junction"]): row["call"] for row in change.to_dicts()}
    assert (called["d28", "d42", "AAA"], called["d28", "d42", "CCC"]) == ("contracted", "expanded")
    assert change["p"].null_count() == 0
    assert dict(change.select("junction", "in_product").iter_rows()) == {
        "AAA": True, "CCC": True, "GGG": True, "NEW": False, "TTT": False,
    }  # fmt: skip


def test_three_visits_make_a_trend_of_the_clones_of_the_product(subject):
    tables = subject.add("d42", {"AAA": 1500, "TTT": 3500}, day=42).add("d56", {"AAA": 700, "TTT": 4300}, day=56).run()
    trend = tables["trend"]
    assert trend["junction"].to_list() == ["AAA", "CCC"]
    assert trend["slope_per_day"][0] < 0
    assert trend.select("slope_per_day", "half_life_lower").row(1) == (None, 0)  # lost after the first


INCOMPLETE = "of the product takes no part: no clone is told to be absent from the product"


@pytest.mark.parametrize("how", ["failed", "without a clone", "swapped"])
def test_without_a_part_of_the_product_nothing_is_absent_from_it(subject, how):
    failed = []
    if how == "failed":
        failed = [{"sample": "lot2", "assay": "tcr", "lot": None, "marked_population": None}]
    else:
        subject.add("lot2", {"QQQ": 500} if how == "swapped" else {}, specimen="infusion_product", day=-1)
    if how == "swapped":
        subject.contaminated([{"sample": "lot2", "verdict": "swapped", "reason": "x", "content_of": "S2"}])
    tables = subject.run(failed=failed)
    origins = dict(tables["origins"].select("junction", "origin").iter_rows())
    assert (origins["AAA"], origins["TTT"]) == ("infused_only", "indeterminate")
    told = tables["quality"].filter(sample="lot2")["reason"].to_list()
    assert told == [f"lot2 {INCOMPLETE}"] if how != "swapped" else "swapped, x" in told[0]


def test_without_a_library_of_an_infused_lot_nothing_is_absent_from_the_product(subject):
    subject.rows["repertoire/lot"]["lot"] = "A"
    tables = subject.run(lots=["A", "B"])
    origins = dict(tables["origins"].select("junction", "origin").iter_rows())
    assert (origins["AAA"], origins["TTT"]) == ("infused_only", "indeterminate")
    assert tables["quality"].select("sample", "reason").rows() == [
        ("lot", "lot B of the product has no library: no clone is told to be absent from the product")
    ]


def test_a_lot_that_was_never_infused_is_no_part_of_the_product(subject):
    subject.rows["repertoire/lot"]["lot"] = "A"
    subject.add("other", {"EEE": 5000}, specimen="infusion_product", day=-1, lot="C")
    tables = subject.run(lots=["A"])
    assert "EEE" not in set(tables["origins"]["junction"])
    assert tables["quality"].height == 0


def test_a_clone_that_blood_shows_before_its_lot_is_not_infused_only(subject):
    subject.rows["repertoire/lot"]["lot"] = "A"
    # On day 14 blood shows GTG, which lot B alone holds, and lot B is given on day 60; GTC is seen after it alone.
    subject.add("late", {"GTG": 3000, "GTC": 1900, "AAA": 100}, specimen="infusion_product", day=59, lot="B")
    subject.add("d14", {"AAA": 2000, "GTG": 3000}, day=14).add("d74", {"GTG": 2500, "GTC": 2500}, day=74)
    tables = subject.run(lots=[{"day": 0, "lot": "A"}, {"day": 60, "lot": "B"}])
    origins = dict(tables["origins"].select("junction", "origin").iter_rows())
    assert [origins[name] for name in ("AAA", "GTG", "GTC")] == ["infused_only", "indeterminate", "infused_only"]
    told = tables["quality"].filter(check="lots in time").select("sample", "reason").rows()
    assert told == [
        (
            "late",
            "infused first on day 60: origins take all lots as one product; clones of later lots alone that "
            "blood showed before these came, and that are not told to be infused only: 1",
        )
    ]


CD8 = {"marked_population": "CD8+ T"}


def test_sorted_samples_take_no_part_beside_those_of_all_cells_and_say_so(subject):
    # Of a baseline of CD8+ cells alone CCC would be absent, and the clone of its CD4+ cells infused only.
    tables = subject.add("base8", {"AAA": 5000}, day=-9, **CD8).add("d28_8", {"QQQ": 5000}, **CD8).run()
    origins = dict(tables["origins"].select("junction", "origin").iter_rows())
    assert (origins["AAA"], origins.get("QQQ")) == ("infused_only", None)
    assert set(tables["clones"]["sample"]) == {"lot", "base", "d28"}
    why = (
        "takes no part in clones, origins and trends of its subject: its cells are sorted (CD8+ T), and theirs not "
        "sorted"
    )
    assert tables["quality"].select("sample", "reason").rows() == [("base8", why), ("d28_8", why)]
    changed = tables["change"].select("sample_before", "sample_after").unique().sort(pl.all()).rows()
    assert changed == [("base", "d28"), ("base8", "d28_8"), ("lot", "d28")]


def test_where_all_is_sorted_alike_it_is_followed(tmp_path, sample, write_clones):
    made = Subject(tmp_path, sample, write_clones).add("lot", PRODUCT, specimen="infusion_product", day=-1, **CD8)
    tables = made.add("base", BASELINE, day=-8).add("d28", {"AAA": 3000, "TTT": 2000}, **CD8).run()
    assert set(tables["clones"]["sample"]) == {"lot", "d28"}
    assert tables["quality"]["sample"].to_list() == ["base"]
    assert dict(tables["origins"].select("junction", "origin").iter_rows())["AAA"] == "indeterminate"  # no baseline


def test_a_lot_of_which_only_sorted_cells_were_sequenced_is_a_part_that_is_not_known(subject):
    subject.rows["repertoire/lot"]["lot"] = "A"
    subject.add("lot8", {"EEE": 5000}, specimen="infusion_product", day=-1, lot="B", **CD8)
    subject.add("lotA8", {"AAA": 5000}, specimen="infusion_product", day=-1, lot="A", **CD8)
    tables = subject.run(lots=["A", "B"])
    origins = dict(tables["origins"].select("junction", "origin").iter_rows())
    assert origins["TTT"] == "indeterminate"
    told = dict(tables["quality"].select("sample", "reason").iter_rows())
    assert "no clone is told to be absent from the product" in told["lot8"]
    assert "its cells are sorted (CD8+ T)" in told["lotA8"]


def test_of_a_subject_who_was_never_infused_nothing_is_told(subject):
    tables = subject.run(lots=[])
    assert {name: table.height for name, table in tables.items() if name != "quality"} == dict.fromkeys(
        ("clones", "origins", "origin_classes", "near_matches", "change", "trend"), 0
    )
    assert set(tables["quality"]["sample"]) == {"lot", "base", "d28"}
    assert all("what was not infused cannot persist" in reason for reason in tables["quality"]["reason"])


def test_of_a_file_that_stands_twice_the_subject_keeps_its_own(subject):
    rows = [{"sample": "d28", "verdict": "duplicate", "reason": "x", "content_of": "S1"}]
    tables = subject.contaminated(rows).run()
    assert "d28" in set(tables["clones"]["sample"])
    assert tables["quality"].height == 0


def test_a_sample_of_the_same_clones_and_counts_is_called_a_copy(subject):
    junctions = ["AAA", "AAC", "AAG", "AAT", "ACA", "ACC", "ACG", "ACT", "AGA", "AGC"]
    counts = dict(zip(junctions, range(1, 11), strict=True))
    subject.add("d42", counts, day=42).add("d84", dict(reversed(counts.items())), day=84)
    quality = subject.run()["quality"].filter(check="copies")
    assert quality.select("sample", "verdict", "reason").rows() == [
        ("d84", "warn", "holds the same clones in the same shares as d42")
    ]


def test_where_contamination_could_not_be_told_each_sample_says_so(subject):
    subject.needs.append("contamination/all")
    tables = subject.run()
    assert set(tables["quality"]["sample"]) == {"lot", "base", "d28"}
    assert "contamination could not be told" in tables["quality"]["reason"][0]


def test_files_of_one_locus_each_are_no_replicates(tmp_path, sample, write_clones):
    made = Subject(tmp_path, sample, write_clones)
    for gene in ("TRA", "TRB"):
        made.add(f"lot{gene}", PRODUCT, gene=gene, specimen="infusion_product", day=-1, locus=gene)
        made.add(f"d28{gene}", {"AAA": 3000, "TTT": 2000}, gene=gene, locus=gene)
    assert set(made.run()["change"]["locus"]) == {"TRA", "TRB"}


def test_a_sample_without_a_day_is_neither_before_nor_after(subject):
    tables = subject.add("some", {"ZZZ": 4000}, day=None).run()
    assert "some" not in set(tables["clones"]["sample"])


def test_clones_that_may_have_leaked_in_are_handed_on(subject, monkeypatch):
    module, seen = import_module("tilseq.repertoire.track"), {}
    real = module.follow
    monkeypatch.setattr(module, "follow", lambda **given: seen.update(given) or real(**given))
    clones = [
        {"sample": "d28", "junction": "NEW", "verdict": "leak"},
        {"sample": "d28", "junction": "A", "verdict": "own"},
    ]
    subject.contaminated(clones=clones).run()
    assert seen["suspicious"].rows() == [("TRB", "NEW")]


def test_a_clone_that_is_present_and_suspicious_says_so(subject):
    subject.contaminated(clones=[{"sample": "d28", "junction": "AAA", "verdict": "leak"}])
    rows = subject.run()["clones"].filter(junction="AAA").select("sample", "call", "suspicious").rows()
    assert rows == [("base", "absent", None), ("d28", "present", "leak"), ("lot", "present", None)]


def test_a_sample_of_another_subject_takes_no_part_and_says_so(subject):
    swapped = {"sample": "d42", "verdict": "swapped", "reason": "it holds clones of S2", "content_of": "S2"}
    tables = subject.add("d42", {"QQQ": 5000}, day=42).contaminated(identity=[swapped]).run()
    assert "d42" not in set(tables["clones"]["sample"]) | set(tables["change"]["sample_after"])
    assert "QQQ" not in set(tables["origins"]["junction"])
    told = "takes no part in clones, origins, changes and trends of its subject: swapped, it holds clones of S2"
    assert tables["quality"].select("sample", "check", "verdict", "reason").rows() == [
        ("d42", "clones followed", "warn", told)
    ]


def test_without_a_product_every_table_is_empty(tmp_path, sample, write_clones):
    tables = Subject(tmp_path, sample, write_clones).add("d28", {"AAA": 10}).run()
    assert {name: table.height for name, table in tables.items()} == dict.fromkeys(tables, 0)
    assert len(tables) == 7


def test_replicates_tell_an_overdispersion_and_count_once(tmp_path, sample, write_clones):
    made = Subject(tmp_path, sample, write_clones)
    names = [a + b + c + "AAA" for a in "ACGT" for b in "ACGT" for c in "AC"]
    made.add("lot", dict.fromkeys(names, 100), specimen="infusion_product", day=-1)
    made.add("d28_1", {name: (150, 50)[i % 2] for i, name in enumerate(names)}, replicate=1)
    assert set(made.run()["change"]["call"]) == {"expanded", "contracted"}
    made.add("d28_2", {name: (50, 150)[i % 2] for i, name in enumerate(names)}, replicate=2)
    change = made.run()["change"]
    assert set(change["sample_after"]) == {"d28_1"}
    assert set(change["call"]) == {"cannot_tell"}


def test_of_replicates_that_of_most_cells_is_tested(tmp_path, sample, write_clones):
    """A library that failed stands for no visit while its twin did not."""
    made = Subject(tmp_path, sample, write_clones)
    names = [a + b + c + "AAA" for a in "ACGT" for b in "ACGT" for c in "AC"]
    made.add("lot", dict.fromkeys(names, 100), specimen="infusion_product", day=-1)
    made.add("d28_1", dict.fromkeys(names, 1), replicate=1)
    made.add("d28_2", {name: (150, 50)[i % 2] for i, name in enumerate(names)}, replicate=2)
    change = made.run()["change"]
    assert set(change["sample_after"]) == {"d28_2"}
    assert set(change["call"]) == {"expanded", "contracted"}


def test_later_blood_that_is_like_no_sample_of_its_subject_is_told(subject):
    quality = subject.add("d84", {"QQQ": 5000}, day=84).run()["quality"].filter(check="of this subject")
    assert quality.select("sample", "verdict").rows() == [("d84", "warn")]
    assert quality["reason"][0].startswith("clones of the subject's other samples hold 0 of its 5000 counts")
