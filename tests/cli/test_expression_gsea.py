import csv
import io
from functools import partial

import numpy as np
import pytest

from tests.commands import exit_code
from tests.expression.test_gsea import CONTRAST, GENES, trial

SETS = {"up": GENES[:20], "still": GENES[100:130]}


@pytest.fixture
def files(tmp_path):
    counts, samples, design = trial()
    lines = ["\t".join(["gene", *samples])]
    lines += ["\t".join([gene, *map(str, column)]) for gene, column in zip(GENES, counts.T, strict=True)]
    (tmp_path / "counts.tsv").write_text("\n".join(lines) + "\n")
    design.write_csv(tmp_path / "design.csv")
    (tmp_path / "mine.gmt").write_text("".join("\t".join([name, "", *genes]) + "\n" for name, genes in SETS.items()))
    return tmp_path


run = partial(exit_code, "expression", "gsea")


def of_counts(files, *more):
    return run("--counts", files / "counts.tsv", "--design", files / "design.csv", *more)


def test_counts_give_a_row_a_set_and_contrast(files, capsys):
    assert of_counts(files, "--contrast", CONTRAST, "--gmt", files / "mine.gmt") == 0
    told = capsys.readouterr()
    found = {row["set"]: row for row in csv.DictReader(io.StringIO(told.out))}
    assert f"{CONTRAST}: 8 subjects, 2 sets tested, 1 with q < 0.05\n" in told.err
    assert "camera" not in told.err
    assert list(found) == ["still", "up"]
    assert float(found["up"]["p"]) == 1 / 128
    assert (found["up"]["family"], found["up"]["method"], found["up"]["subjects"]) == ("mine", "sign_flip", "8")


def test_too_few_subjects_are_told_with_what_to_try(files, capsys):
    lines = (files / "design.csv").read_text().splitlines()
    kept = [i for i, line in enumerate(lines) if i == 0 or line.split(",")[1] in ("P0", "P1", "P2", "P3")]
    (files / "design.csv").write_text("\n".join(lines[i] for i in kept) + "\n")
    rows = [line.split("\t") for line in (files / "counts.tsv").read_text().splitlines()]
    (files / "counts.tsv").write_text("\n".join("\t".join(row[i] for i in kept) for row in rows) + "\n")
    assert of_counts(files, "--contrast", CONTRAST, "--gmt", files / "mine.gmt") == 0
    told = capsys.readouterr().err
    assert "4 subjects, 2 sets tested, 0 with q < 0.05" in told
    assert "no set can reach 0.05, as the least p of so few subjects is 0.125: try --method camera" in told


def test_without_a_file_of_sets_axes_and_hallmark_are_families_of_their_own(files, capsys):
    assert of_counts(files, "--contrast", CONTRAST) == 0
    found = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["family"] for row in found} == {"axes", "hallmark"}
    assert sum(row["family"] == "hallmark" for row in found) == 50
    assert {row["p"] for row in found} == {""}  # no gene of this trial has a real name


def test_built_in_sets_of_10_genes_are_tested_and_of_a_file_those_of_15(tmp_path, capsys):
    from tilseq.expression import load_signatures

    exhaustion = load_signatures()["exhaustion"].up
    genes = [*exhaustion, *GENES[:100]]
    ranks = np.where(np.arange(len(genes)) % 4 == 3, 0, np.linspace(4, -4, len(genes)))
    (tmp_path / "t.rnk").write_text("".join(f"{gene}\t{rank}\n" for gene, rank in zip(genes, ranks, strict=True)))
    (tmp_path / "s.gmt").write_text("\t".join(["mine", "", *exhaustion]) + "\n")
    assert len(exhaustion) == 14
    assert run("--ranks", tmp_path / "t.rnk") == 0
    found = {row["set"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert float(found["exhaustion"]["p"]) < 0.05
    assert run("--ranks", tmp_path / "t.rnk", "--gmt", tmp_path / "s.gmt") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["p"], row["reason"]) == ("", "14 of its 14 genes are there, fewer than 15")


def test_some_of_the_samples_and_a_contrast_that_cannot_be_tested(files, capsys):
    arguments = ["--contrast", CONTRAST, "--contrast", "visit:D29/product", "--gmt", files / "mine.gmt"]
    assert of_counts(files, *arguments, "--where", "subject=P0,P1,P2", "--method", "camera") == 4
    told = capsys.readouterr()
    assert {row["subjects"] for row in csv.DictReader(io.StringIO(told.out))} == {"3"}
    assert "visit:D29/product: contrast visit:D29/product left out: column visit: no sample is of this" in told.err


def test_a_ranked_list_is_for_exploration(files, capsys):
    ranks = np.where(np.arange(200) % 4 == 3, 0, np.linspace(4, -4, 200))
    (files / "t.rnk").write_text("".join(f"{gene}\t{rank}\n" for gene, rank in zip(GENES, ranks, strict=True)))
    assert run("--ranks", files / "t.rnk", "--gmt", files / "mine.gmt", "-o", files / "out.csv") == 0
    found = {row["set"]: row for row in csv.DictReader((files / "out.csv").read_text().splitlines())}
    assert (found["up"]["exploratory"], found["up"]["method"], found["up"]["contrast"]) == ("true", "preranked", "t")
    assert found["up"]["reason"].startswith("gene permutation: ignores correlation of genes")
    assert float(found["up"]["p"]) > 0
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "genes with the rank of another, ordered by symbol: 50 of 200"
    assert told[1].startswith("t: 2 sets tested, ") and told[1].endswith(" with q < 0.05, for exploration only")


def test_a_gene_of_the_data_where_the_description_should_stand_is_told(files, capsys):
    (files / "t.rnk").write_text("".join(f"{gene}\t{rank + 0.5}\n" for rank, gene in enumerate(GENES)))
    (files / "short.gmt").write_text("\t".join(["mine", *GENES[:20]]) + "\n")
    lost = f"short.gmt: a gene stands where the description should, and is not in the set: mine ({GENES[0]})"
    for given in (["--ranks", files / "t.rnk"], ["--counts", files / "counts.tsv", "--contrast", CONTRAST]):
        design = [] if given[0] == "--ranks" else ["--design", files / "design.csv"]
        assert run(*given, *design, "--gmt", files / "short.gmt", "-o", files / "out.csv") == 0
        assert lost in capsys.readouterr().err


def test_genes_of_sets_with_retired_symbols_or_aliases_are_told(files, capsys):
    (files / "t.rnk").write_text("".join(f"{gene}\t{rank + 0.5}\n" for rank, gene in enumerate(GENES)))
    (files / "old.gmt").write_text("\t".join(["mine", "", "FAM46C", "PD1", *GENES[:20]]) + "\n")
    assert run("--ranks", files / "t.rnk", "--gmt", files / "old.gmt", "-o", files / "out.csv") == 0
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == [
        "1 genes of the sets are not found, as their names are aliases: PD1 (PDCD1): write the symbol",
        "1 retired symbols of the sets are read as the present ones: FAM46C → TENT5C",
    ]


def test_a_call_that_tests_no_set_says_why(files, capsys):
    (files / "t.rnk").write_text("".join(f"{gene.lower()}\t{rank - 99.5}\n" for rank, gene in enumerate(GENES)))
    assert run("--ranks", files / "t.rnk", "--gmt", files / "mine.gmt", "-o", files / "out.csv") == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("50 genes of the sets are not found, as capitals differ: G000 (in the data g000), ")
    assert told[1:] == ["t: none of 2 sets tested; still: none of its 30 genes is there", f"wrote {files / 'out.csv'}"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either --ranks or --counts"),
        (["--counts", "counts.tsv"], "--counts needs --contrast"),
        (["--counts", "counts.tsv", "--contrast", CONTRAST], "a text file of counts needs --design"),
        (["--ranks", "design.csv", "--method", "camera"], "a ranked list has no samples"),
    ],
)
def test_a_call_that_makes_no_sense_ends_with_2(files, arguments, words, capsys, monkeypatch):
    monkeypatch.chdir(files)
    assert run(*arguments, "--gmt", "mine.gmt") == 2
    assert words in capsys.readouterr().err


def test_faulty_files_end_with_3(files, capsys):
    (files / "t.rnk").write_text("A\t1\nB\tinf\n")
    assert run("--ranks", files / "t.rnk", "--gmt", files / "mine.gmt") == 3
    assert "t.rnk, row 2: this rank is infinite" in capsys.readouterr().err
    (files / "empty.gmt").write_text("")
    assert of_counts(files, "--contrast", CONTRAST, "--gmt", files / "empty.gmt") == 3
    assert "holds no gene set" in capsys.readouterr().err
    (files / "twice.gmt").write_text("up\t\tG001\n")
    assert of_counts(files, "--contrast", CONTRAST, "--gmt", files / "mine.gmt", "--gmt", files / "twice.gmt") == 3
    assert "this gene set stands in mine already; found 'up'" in capsys.readouterr().err
