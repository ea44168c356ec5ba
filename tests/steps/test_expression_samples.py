import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.steps.expression_samples import side_by_side
from tilseq.steps.transcriptome import Asked, compare


def table(group, **counts):
    return pl.DataFrame({"group": [group] * len(counts), "gene": list(counts), "count": list(counts.values())})


def row(group, subject, level, specimen="blood", **more):
    return {"group": group, "subject": subject, "level": level, "day": 7, "specimen": specimen, **more}


def test_lots_of_one_subject_are_summed_and_genes_that_a_file_lacks_left_out():
    rows = [row("a", "S1", "product"), row("b", "S1", "product"), row("c", "S1", "D28"), row("d", "S2", "D28")]
    tables = [
        table("a", CD4=1, CD8A=2, TOX=9),
        table("b", CD4=10, CD8A=20),
        table("c", CD8A=0, CD4=3),
        table("d", CD4=5, CD8A=6),
    ]
    found = side_by_side(rows, tables)
    assert found.genes == ("CD4", "CD8A")
    assert (found.left_out, found.odd_one) == (1, "b")
    assert found.design.select("sample", "subject", "visit", "day").rows() == [
        ("S1|D28", "S1", "D28", 7),
        ("S1|product", "S1", "product", 7),
        ("S2|D28", "S2", "D28", 7),
    ]
    assert found.counts.tolist() == [[3, 0], [11, 22], [5, 6]]
    assert found.at("D28").counts.tolist() == [[3, 0], [5, 6]]


def test_libraries_of_one_visit_and_several_days_are_named():
    rows = [row("a", "S1", "D28"), row("b", "S1", "D28", day=9), row("c", "S2", "D28"), row("d", "S2", "D28")]
    found = side_by_side(rows, [table(name, CD4=1) for name in "abcd"])
    assert (found.counts.tolist(), found.of_days) == ([[2], [2]], ("S1|D28",))
    told = compare(found, Asked("visit:D28/product"), {}, smallest=15).row["told"]
    assert told.startswith("sums of libraries of several days: S1|D28; ")


def test_statuses_are_samples_of_their_own():
    rows = [row("a", "S1", "D28", status="infused"), row("b", "S1", "D28", status="not_seen_in_product")]
    found = side_by_side(rows, [table("a", CD4=1), table("b", CD4=2)])
    assert found.design["status"].to_list() == ["infused", "not_seen_in_product"]
    assert found.counts.tolist() == [[1], [2]]


def test_files_without_a_gene_in_common_leave_none():
    rows = [row("a", "S1", "product"), row("b", "S1", "D28")]
    found = side_by_side(rows, [table("a", CD4=1), table("b", cd4=1, cd8a=2)])
    assert (found.genes, found.counts.shape, found.left_out, found.odd_one) == ((), (2, 0), 3, "a")


def test_the_file_whose_genes_bear_other_names_is_told_though_it_has_more_of_them():
    rows = [row(name, name, "D28") for name in "abc"]
    ids = {"ENSG00000010610": 1, "ENSG00000153563": 2, "ENSG00000198846": 3}
    found = side_by_side(rows, [table("a", CD4=1, CD8A=2), table("b", **ids), table("c", CD4=5, CD8A=6)])
    assert (found.genes, found.left_out, found.odd_one) == ((), 5, "b")


def test_without_samples_there_is_nothing():
    found = side_by_side([], [])
    assert found.design.is_empty()
    assert found.counts.shape == (0, 0)


def test_counts_per_million_are_refused_though_lots_are_summed_and_genes_lacking():
    rows = [row("a", "S1", "product"), row("b", "S1", "product"), row("c", "S1", "D28"), row("d", "S2", "D28")]

    def tables(*tox):  # sums of 1,000,000 and so much
        return [
            table(name, CD4=600_000, CD8A=400_000 - 10_000 * place, TOX=10_000 * place + more)
            for place, (name, more) in enumerate(zip("abcd", tox, strict=True))
        ]

    with pytest.raises(
        AnalysisError, match="normalised and rounded; found 'library sizes that differ by rounding alone'"
    ):
        side_by_side(rows, [*tables(1, -1, 2, 0)[:3], table("d", CD4=600_001, CD8A=399_999)])
    assert side_by_side(rows, tables(1, -5_000, 2_000, 9_000)).genes == ("CD4", "CD8A", "TOX")
