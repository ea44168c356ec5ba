import polars as pl
import pytest

from tilseq.errors import TableError
from tilseq.repertoire import label_checks
from tilseq.tables.cell_labels import CELL_LABELS


def labels(*rows):
    """Label and chance of cells of one sample, against a product of 465 effective cells."""
    found = [
        {"sample": "s", "cell_id": f"c{i}", "label": label, "probability": chance, "product_n_effective": 465.0,
         "reason": "x is not known" if label == "not_seen_in_product" and chance is None else None}
        for i, (label, chance) in enumerate(rows)
    ]  # fmt: skip
    return CELL_LABELS.frame(found)


INFUSED = [("infused", 0.99)] * 6


@pytest.mark.parametrize(("chances", "mean", "verdict"), [((0.3, 0.5), 0.4, "warn"), ((0.05, 0.15), 0.1, "pass")])
def test_checks_by_hand(chances, mean, verdict):
    given = labels(
        *INFUSED, *(("not_seen_in_product", one) for one in chances), ("undecided", None), ("no_receptor", None)
    )
    assert label_checks(given).select("check", "value", "verdict", "reason").rows() == [
        ("cells in the product", pytest.approx(6 / 9), "pass",
         "6 of 9 cells with a receptor are of a clone that the product shows"),
        ("cells the product missed", pytest.approx(mean), verdict,
         f"of 2 cells not seen in the product about {2 * mean:.0f} are of infused clones, "
         "which its 465 effective cells did not show"),
        ("cells undecided", pytest.approx(1 / 9), "warn", "1 of 9 cells with a receptor can be labelled neither way"),
    ]  # fmt: skip


def test_without_a_chance_the_reason_is_told():
    found = label_checks(labels(*INFUSED, *[("not_seen_in_product", None)] * 2))
    assert found.filter(check="cells the product missed").select("value", "verdict", "reason").row(0) == (
        None, "warn", "2 cells not seen in the product may be of infused clones: x is not known",
    )  # fmt: skip
    assert found.filter(check="cells undecided").select("value", "verdict").row(0) == (0, "pass")


def test_the_depth_told_is_of_cells_with_a_chance():
    given = labels(*INFUSED, ("not_seen_in_product", None), ("not_seen_in_product", 0.2))
    given = given.with_columns(product_n_effective=pl.when(pl.col("probability").is_not_null()).then(465.0))
    found = label_checks(given).filter(check="cells the product missed")
    assert found.select("value", "reason").row(0) == (
        pytest.approx(0.2),
        "of 1 cells not seen in the product about 0 are of infused clones, which its 465 effective cells did not show",
    )


def test_chances_by_templates_that_nobody_surely_counts_are_rough():
    given = labels(*INFUSED, *(("not_seen_in_product", one) for one in (0.1, 0.11, 0.5, 0.9, None)), ("infused", 0.6))
    given = given.with_columns(locus=pl.lit("TRB"))
    found = label_checks(given, unsure=["TRB"]).filter(check="counting of templates")
    assert found.select("sample", "verdict", "reason").rows() == [
        ("s", "warn", "2 cells not seen in the product have a chance between 0.1 and 0.9, which is rough by 5 to 15 "
         "points: no library surely tells how often a template of TRB is counted; bulk ones of blood do"),
    ]  # fmt: skip
    for unsure in ([], ["TRA"]):
        assert label_checks(given, unsure=unsure).filter(check="counting of templates").height == 0


def test_a_sample_of_which_no_cell_is_in_the_product_is_asked_about():
    found = label_checks(labels(("not_seen_in_product", 0.01)))
    assert found["reason"][0].endswith("is it the product of this subject?")
    assert found["verdict"].to_list() == ["warn", "pass", "pass"]
    nobody = label_checks(labels(("no_receptor", None)))
    assert nobody.select("verdict", "reason").rows() == [("warn", "no cell has a TRA or TRB")]


def test_what_are_no_labels_is_refused():
    with pytest.raises(TableError):
        label_checks(labels(("infused", 0.9)).drop("label"))
