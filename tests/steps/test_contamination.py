from types import SimpleNamespace

import polars as pl
import pytest

from tilseq.errors import TilseqError
from tilseq.steps import contamination, repertoire
from tilseq.steps.job import Job


def named(prefix, clones, counts=2):
    """Return clones of a person by nucleotide junctions, which no other prefix has."""
    return {prefix + "".join("ACGT"[i // 4**k % 4] for k in range(5)): counts for i in range(clones)}


@pytest.fixture
def run(tmp_path, sample, write_clones):
    """Return a function that runs the repertoire jobs of samples, then that of their contamination."""

    def run(**of_samples):
        rows = {}
        for name, (subject, counts) in of_samples.items():
            path = tmp_path / f"{name}.tsv"
            write_clones(path, counts or {})
            row = sample(name, path=f"raw/{name}.tsv", subject=subject, assay="tcr", run=f"run{name[1]}")
            if counts is None:
                path.write_text("not a clonotype table\n")
            job = Job("repertoire", name, f"repertoire/{name}", paths=(str(path),), sample=row,
                      arguments={"dialect": None, "locus": None, "least_yield": 0.05})  # fmt: skip
            try:
                repertoire.run(job, tmp_path / "work" / job.folder)
            except TilseqError:
                assert counts is None
            rows[job.folder] = {word: row[word] for word in ("sample", "subject", "run")}
        folder = tmp_path / "work" / "contamination" / "all"
        job = Job("contamination", "all subjects", "contamination/all", needs=tuple(rows), arguments={"samples": rows})
        contamination.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}

    return run


def test_swapped_samples_fail_and_leaks_warn(run):
    large = {subject: named(subject * 3, 20, 100) | named(subject * 4, 150) for subject in "ACG"}
    first = {f"{s}1": (s, clones | named(s * 5 + "T", 30)) for s, clones in large.items()}
    second = {f"{s}2": (s, clones | named(s * 6 + "T", 30)) for s, clones in large.items()}
    third = {f"{s}3": (s, clones | named(s * 7 + "T", 30)) for s, clones in large.items()}
    leaked = dict.fromkeys(list(named("AAA", 12)), 1)
    samples = first | second | third | {"G1": ("G", first["G1"][1] | leaked)}
    samples |= {"A2": ("A", second["C2"][1]), "C2": ("C", second["A2"][1]), "C3": ("C", None)}
    tables = run(**samples)
    assert set(tables) == {"sample_identity", "shared_pairs", "leak_rates", "suspicious_clones", "quality"}
    quality = tables["quality"]
    failed = quality.filter(verdict="fail")
    assert failed.select("sample", "check").rows() == [("A2", "identity"), ("C2", "identity")]
    assert failed["reason"][0].startswith("swapped: agrees with 0 of ")
    (warned,) = quality.filter(verdict="warn").iter_rows(named=True)
    assert (warned["sample"], warned["check"]) == ("G1", "leaks")
    assert warned["reason"].startswith("clones of A (0.006 of its counts, 0.0031 to 0.01) leaked into it")
    assert "C3" not in set(quality["sample"])
    assert tables["suspicious_clones"]["verdict"].to_list() == ["leak"] * 12


def test_a_shallow_library_warns_and_is_not_accused(run):
    samples = {f"{s}{n}": (s, named(s * 3, 100) | named(s * int(n) + "T", 30)) for s in "ACG" for n in "123"}
    tables = run(**samples, A4=("A", named("ACAC", 4, 1)), C4=samples["C3"], G4=("G", named("GGG", 90)))
    rows = tables["quality"].filter(sample="A4")
    assert rows.select("check", "value", "verdict").rows() == [
        ("depth in its run", 4, "warn"),
        ("identity", 0, "pass"),
    ]
    assert tables["quality"].filter(verdict="fail").select("sample", "check").rows() == [
        ("C3", "identity"),
        ("C4", "identity"),
    ]  # one file twice


def test_one_job_over_all_subjects(monkeypatch, sample):
    def job(name, subject):
        return Job("repertoire", name, f"repertoire/{name}", sample=sample(name, subject=subject, run="r"))

    monkeypatch.setattr(repertoire, "plan", lambda study: [job("b1", "B"), job("a1", "A")])
    (whole,) = contamination.plan(SimpleNamespace())
    assert (whole.folder, whole.needs) == ("contamination/all", ("repertoire/a1", "repertoire/b1"))
    assert whole.arguments["samples"]["repertoire/a1"] == {"sample": "a1", "subject": "A", "run": "r"}
    monkeypatch.setattr(repertoire, "plan", lambda study: [job("a1", "A"), job("a2", "A")])
    assert contamination.plan(SimpleNamespace()) == []
