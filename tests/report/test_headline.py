import pytest

from tilseq.io.write import write_table
from tilseq.report.headline import headline
from tilseq.report.results import read_results
from tilseq.tables import Table, contamination, enrichment, outputs, summaries, tracking, transcriptome

TABLES = {
    table.name: table
    for module in (contamination, enrichment, outputs, summaries, tracking, transcriptome)
    for table in vars(module).values()
    if isinstance(table, Table)
}


@pytest.fixture
def answers(tmp_path):
    def of(**tables):
        (tmp_path / "tables").mkdir(exist_ok=True)
        for name, rows in tables.items():
            write_table(TABLES[name].frame(rows), TABLES[name], tmp_path / "tables")
        return {answer.question: answer.words for answer in headline(read_results(tmp_path))}

    return of


def sample(name, subject, day, assay="tcr", state="ok"):
    return {"sample": name, "subject": subject, "visit": f"D{day}", "day": day, "specimen": "blood", "assay": assay,
            "state": state}  # fmt: skip


def mass(name, subject, day, value, reference="infusion_product"):
    return {"sample": name, "subject": subject, "day": day, "parameter": "persistence_mass", "value": value,
            "qualifier": f"locus=TRB;reference={reference}", "specimen": "blood", "assay": "tcr", "unit": "1",
            "status": "quantified", "scope": "sample"}  # fmt: skip


def rate(confirmation, reader, numerator, estimate):
    return {"population": "infused", "group": "all", "parameter": "ORR", "numerator": numerator, "denominator": 4,
            "qualifier": f"confirmation={confirmation};reader={reader}", "estimate": estimate, "lower": 0.0676,
            "upper": 0.9324, "method": "clopper_pearson", "denominator_text": "4 infused"}  # fmt: skip


def test_without_any_table_nothing_is_asked(answers):
    assert answers(samples=[sample("a", "S1", 7)]) == {}


def test_the_rate_is_that_of_confirmed_responses(answers):
    told = answers(summaries=[rate("not_required", "investigator", 3, 0.75), rate("required", "investigator", 2, 0.5)])
    assert told == {"Do patients respond?": "CR or PR, confirmed: 2 of 4 infused subjects, 50 (7-93) %"}


def test_of_readers_alike_each_is_told(answers):
    told = answers(summaries=[rate("required", "A", 2, 0.5), rate("required", "B", 1, 0.25)])
    assert told["Do patients respond?"] == (
        "CR or PR, confirmed by A: 2 of 4 infused subjects, 50 (7-93) %; "
        "CR or PR, confirmed by B: 1 of 4 infused subjects, 25 (7-93) %"
    )


def test_persistence_is_of_the_latest_blood_and_says_where_nothing_was_seen(answers):
    told = answers(
        samples=[
            sample("a", "S1", -7),
            sample("b", "S1", 84, state="fail"),
            sample("c", "S2", 28),
            sample("d", "S3", 30),
        ],
        endpoints=[
            mass("a", "S1", -7, 0.01),
            mass("b", "S1", 84, 0.125),
            mass("c", "S2", 28, 0.5),
            mass("d", "S3", 30, 0),
        ],
    )
    assert told == {
        "Do infused clones persist?": "Seen in the latest blood of 2 of 3 subjects (day 28 to 84): clones of the "
        "infusion product hold 12.5 to 50 % of TRB, and before the infusion up to 1 %; failed quality: S1; "
        "of 2 subjects no blood tells what was there before the infusion"
    }


def test_blood_before_in_which_nothing_was_seen_is_told_of(answers):
    told = answers(
        samples=[sample("a", "S1", -7), sample("b", "S1", 84)],
        endpoints=[mass("a", "S1", -7, 0), mass("b", "S1", 84, 0.125)],
    )
    assert told["Do infused clones persist?"] == (
        "Seen in the latest blood of 1 of 1 subject (day 84): clones of the infusion product hold 12.5 % of TRB"
    )


def test_a_share_of_sorted_cells_is_called_so(answers):
    row = mass("a", "S1", 7, 0.5) | {"qualifier": "locus=TRB;population=CD8+ T;reference=infusion_product"}
    told = answers(samples=[sample("a", "S1", 7)], endpoints=[row])
    assert "hold 50 % of TRB of CD8+ T;" in told["Do infused clones persist?"]


def clone(subject, junction, later, product=True, baseline=False, origin=None):
    origin = origin or ("infused_and_preexisting" if baseline else "infused_only" if product else "preexisting_only")
    return {"subject": subject, "locus": "TRB", "junction": junction, "origin": origin, "in_product": product,
            "in_baseline": baseline, "in_tumor": False, "later_frequency": later}  # fmt: skip


def test_the_largest_clone_of_the_product_is_named_by_its_amino_acids(answers):
    tables = {
        "samples": [sample("a", "S1", 7), sample("c", "S2", 28)],
        "origins": [
            clone("S1", "TGTGCCTTT", 0.02), clone("S1", "TGTGGATTT", 0.01),
            clone("S1", "TGTTCCTTT", 0.3, product=False), clone("S2", "TGTAAATTT", 0.004, baseline=True),
            clone("S3", "TGTAAATTT", None), clone("S4", "TGTAAATTT", 0.1, origin="indeterminate"),
        ],
    }  # fmt: skip
    told = answers(**tables, endpoints=[mass("a", "S1", 7, 0.8), mass("c", "S2", 28, 0.5)])
    assert told["Which clones?"] == (
        "Of the product’s the largest in all blood after the infusion: S1 CAF 2 %, "
        "S2 CKF 0.400 % (in blood before, too), S4 CKF 10 % (cannot be told whether in blood before)"
    )


def test_what_holds_of_all_clones_named_is_said_once(answers):
    told = answers(
        samples=[sample("a", "S1", 7), sample("c", "S2", 28)],
        endpoints=[mass("a", "S1", 7, 0.8), mass("c", "S2", 28, 0.5)],
        origins=[clone(name, "TGTGCCTTT", 0.02, origin="indeterminate") for name in ("S1", "S2")],
    )
    assert told["Which clones?"] == (
        "Of the product’s the largest in all blood after the infusion: S1 CAF 2 %, S2 CAF 2 %; "
        "of none can it be told whether it was in blood before"
    )


def test_clones_of_a_tumour_are_not_called_infused(answers):
    told = answers(
        samples=[sample("a", "S1", 7)],
        endpoints=[mass("a", "S1", 7, 0.8, reference="tumor")],
        origins=[clone("S1", "TGTGCCTTT", 0.02)],
    )
    assert list(told) == ["Do clones of the tumor persist?"]


def comparison(population, contrast, subjects, floor, told=None):
    return {"population": population, "contrast": contrast, "subjects": subjects, "genes": 500, "genes_up": 9,
            "genes_down": 40, "engine": "voom", "sets": 30, "sets_up": 1, "sets_down": 1, "p_floor": floor,
            "told": told}  # fmt: skip


def gene_set(name, direction, q, method="sign_flip"):
    return {"population": "infused CD8 T cells", "contrast": "visit:D28/product", "set": name, "size": 20,
            "direction": direction, "p": q / 2, "q": q, "family": f"axes, {method}", "method": method,
            "exploratory": False}  # fmt: skip


BLOOD = [sample("a", "S1", 7, "scrna"), sample("b", "S1", 28, "scrna")]


def test_of_few_subjects_genes_are_counted_and_what_is_noted_is_pointed_at(answers):
    rows = [
        comparison("infused CD8 T cells", "visit:D7/product", 4, 0.125),
        comparison("infused CD8 T cells", "visit:D28/product", 4, 0.125, told="they differ in run"),
        comparison("infused CD8 T cells", "visit:D28/D7", 4, 0.125),
        comparison("CD8 T cells", "visit:D28/product", 4, 0.125),
    ]
    assert answers(samples=BLOOD, transcriptome=rows) == {
        "In what state?": "Infused CD8 T cells, D28 against product (4 subjects): 9 genes up, 40 down; "
        "of so few subjects no gene set can be told; read what is noted there"
    }


def test_of_enough_subjects_the_gene_sets_are_named(answers):
    sets = [
        gene_set("stem_like_memory", "up", 0.01), gene_set("proliferation", "down", 0.02), gene_set("myc", "down", 0.2),
        gene_set("hypoxia", "up", 0.001, "camera"),
    ]  # fmt: skip
    rows = [comparison("infused CD8 T cells", "visit:D28/product", 8, 0.0078)]
    assert answers(samples=BLOOD, transcriptome=rows, enrichment=sets) == {
        "In what state?": "Infused CD8 T cells, D28 against product (8 subjects): stem_like_memory up, "
        "proliferation down"
    }


def test_that_no_gene_set_changed_is_not_said(answers):
    rows = [
        comparison("infused CD4 T cells", "visit:D28/product", 8, None) | {"sets": None},
        comparison("infused CD8 T cells", "visit:D28/product", 8, 0.0078),
    ]
    assert answers(samples=BLOOD, transcriptome=rows, enrichment=[gene_set("myc", "down", 0.2)]) == {
        "In what state?": "Infused CD4 T cells, D28 against product (8 subjects): 9 genes up, 40 down; "
        "infused CD8 T cells, D28 against product (8 subjects): no gene set with q below 0.05"
    }


def test_swapped_and_shallow_samples_are_a_warning(answers):
    def identity(name, verdict, depth):
        return {"sample": name, "subject": "S1", "verdict": verdict, "depth": depth, "clones": 9, "counts": 60,
                "usual_counts": 6000.0, "own_compared": 2, "own_agree": 0, "arrived": 0.0, "other_compared": 0,
                "other_agree": 0, "reason": "r"}  # fmt: skip

    told = answers(
        samples=[sample("a", "S1", 7), sample("b", "S1", 28), sample("c", "S1", 84)],
        sample_identity=[identity("a", "swapped", "usual"), identity("b", "as_labelled", "shallow"),
                         identity("c", "swapped", "usual")],
    )  # fmt: skip
    assert told == {"Before you read on": "What speaks against receptor samples: 2 swapped, 1 shallow"}
