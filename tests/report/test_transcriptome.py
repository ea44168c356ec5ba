"""Comparisons within subjects, and the gene sets that changed."""

import pytest

from tests.report.test_infused import shown
from tilseq.io.write import write_table
from tilseq.report import transcriptome
from tilseq.report.results import read_results
from tilseq.tables import outputs
from tilseq.tables.enrichment import ENRICHMENT
from tilseq.tables.transcriptome import TRANSCRIPTOME

OF = {"population": "CD8 T cells", "contrast": "visit:D28/product"}
FLIP = OF | {"method": "sign_flip", "exploratory": False, "family": "f", "subjects": 8, "size": 20}


@pytest.fixture
def results(good_out):
    """Return a function that writes rows of the two tables and reads the results."""

    def results(rows, sets=()):
        write_table(TRANSCRIPTOME.frame(rows), TRANSCRIPTOME, good_out / "tables")
        write_table(ENRICHMENT.frame(sets), ENRICHMENT, good_out / "tables")
        return read_results(good_out)

    return results


def test_a_comparison_tells_how_many_genes_and_sets_changed(results):
    row = {"subjects": 8, "genes": 9000, "genes_up": 12, "genes_down": 3, "sets": 30, "sets_up": 2, "sets_down": 0}
    view = transcriptome.comparisons(results([OF | row | {"p_floor": 2 / 2**8}]))
    assert shown(view) == [
        ["CD8 T cells", "D28 against product", "8", "9,000", "12, 3", "2, 0"]
    ]  # nothing of note, no column


def test_too_few_subjects_and_what_could_not_be_compared_are_told(results):
    few = {
        "subjects": 4,
        "genes": 10,
        "genes_up": 0,
        "genes_down": 0,
        "sets": 3,
        "sets_up": 0,
        "sets_down": 0,
        "p_floor": 0.125,
    }
    lost = {"population": "bulk RNA", "contrast": "status:infused/not_seen_in_product at D28", "told": "no pair"}
    assert shown(transcriptome.comparisons(results([OF | few, lost]))) == [
        ["CD8 T cells", "D28 against product", "4", "10", "0, 0", "– p cannot fall below 0.125", ""],
        ["bulk RNA", "infused against not seen in product at D28", "–", "–", "–", "–", "no pair"],
    ]


def test_comparisons_and_sets_go_by_day_and_tell_which_subjects_they_leave_out(results, good_out):
    days = {"harvest": -45, "product": -1, "D28": 28, "D84": 84, "D180": 180}
    of = {"subject": "P1", "specimen": "blood", "assay": "bulk_rna", "state": "ok"}
    samples = [of | {"sample": visit, "visit": visit, "day": day} for visit, day in days.items()]
    write_table(outputs.SAMPLES_RUN.frame(samples), outputs.SAMPLES_RUN, good_out / "tables")
    names = ("visit:D180/product", "visit:D28/product", "visit:D84/product", "visit:harvest/product")
    rows = [OF | {"contrast": name, "subjects": 8} for name in names]
    rows[1]["left_out"] = "P03: no sample of D28"
    found = results(rows, [FLIP | {"contrast": name, "set": "a", "p": 0.5, "q": 0.5} for name in names])
    order = [f"{visit} against product" for visit in ("harvest", "D28", "D84", "D180")]
    assert [row[1] for row in shown(transcriptome.comparisons(found))] == order
    assert [row[1] for row in shown(transcriptome.gene_sets(found))] == order
    assert [row[-1] for row in shown(transcriptome.comparisons(found))] == ["", "without P03: no sample of D28", "", ""]


def test_sets_that_changed_stand_there_with_their_leading_genes(results):
    up = FLIP | {"set": "up", "direction": "up", "nes": 2.1, "log2_fold_change": 1.0, "lower": 0.8, "upper": 1.2,
                 "p": 0.0078, "q": 0.02, "leading_edge": "A;B;C;D;E;F;G;H"}  # fmt: skip
    still = FLIP | {"set": "still", "direction": "down", "nes": -0.5, "p": 0.6, "q": 0.8, "leading_edge": "X"}
    ranked = up | {"set": "ranked", "method": "preranked", "exploratory": True}
    assert shown(transcriptome.gene_sets(results([], [up, still, ranked]))) == [
        ["CD8 T cells", "D28 against product", "up", "signs flipped", "1.00 (0.80-1.20)", "0.00780", "0.0200",
         "A, B, C, D and 4 more"],
    ]  # fmt: skip
    assert [row[2] for row in shown(transcriptome.gene_sets(results([], [still])))] == ["still"]


def test_what_is_noted_names_the_comparison_in_words(results):
    row = OF | {"subjects": 4, "engine": "voom", "told": "the samples of visit:D28/product differ in run"}
    (told,) = transcriptome.comparisons(results([row])).rows
    assert told[-1].text == "the samples of D28 against product differ in run"
