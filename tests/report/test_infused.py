"""The section of infused clones: warnings first, persistence in short, origins, changes, cells."""

from dataclasses import replace

import polars as pl

from tests.report.test_page import page_of
from tilseq.io.write import write_table
from tilseq.report import contamination, infused, laboratories, til_survival
from tilseq.report.results import read_results
from tilseq.tables import contamination as contamination_tables
from tilseq.tables import outputs
from tilseq.tables import repertoire as repertoire_tables
from tilseq.tables import tracking as tracking_tables


def shown(view):
    """Text, note and chips of each cell of a table."""
    return [
        [" ".join(filter(None, (*(chip.label for chip in cell.chips), cell.text, cell.note))) for cell in row]
        for row in view.rows
    ]


def test_samples_with_something_against_them_stand_first(good_out):
    page = page_of(good_out)
    before = page.text.index("Labels and leaks first: 3 of the samples below are not what the numbers take them for")
    assert before < page.text.index("Labels and leaks\n") < page.text.index("Persistence of clones")
    assert shown(contamination.suspects(read_results(good_out))) == [
        ["P01", "week 1", "7", "P01_3_tcr", "leak", "P01", "4 of 4", "",
         "0.0020 (0.0015-0.0026) of the counts of P02 arrived in it within run r1"],
        ["P01", "month 1", "30", "P01_4_tcr", "swapped", "P02", "0 of 4", "4 of 4 P02", "holds P02"],
        ["P02", "screening", "−35", "P02_0_tcr", "shallow", "P02", "4 of 4", "",
         "21,400 counts where about 500,000 are usual beside it"],
    ]  # fmt: skip


def test_where_nothing_speaks_against_labels_one_sentence_says_so(good_out):
    tables = contamination_tables
    good = pl.read_parquet(good_out / "tables" / "sample_identity.parquet").with_columns(
        verdict=pl.lit("as_labelled"), depth=pl.lit("usual")
    )
    silent = good.head(1).with_columns(verdict=pl.lit("cannot_tell"))
    write_table(pl.concat([silent, good.tail(-1)]), tables.SAMPLE_IDENTITY, good_out / "tables")
    rates = pl.read_parquet(good_out / "tables" / "leak_rates.parquet").with_columns(verdict=pl.lit("none_found"))
    write_table(rates, tables.LEAK_RATES, good_out / "tables")
    page = page_of(good_out)
    assert "Labels and leaks first" not in page.text
    assert (
        f"The clones of {good.height - 1} samples bear out their labels, and no leak was found; one of 0.0026 of "
        "another’s counts or less could have escaped." in page.text
    )
    assert "Could be held against no other sample: 1 sample (P01_0_tcr)." in page.text


def test_labels_and_leaks_that_nothing_was_held_against_are_not_called_good(good_out):
    identity = pl.read_parquet(good_out / "tables" / "sample_identity.parquet")
    silent = identity.with_columns(verdict=pl.lit("cannot_tell"), depth=pl.lit("usual"))
    write_table(silent, contamination_tables.SAMPLE_IDENTITY, good_out / "tables")
    write_table(contamination_tables.LEAK_RATES.frame(), contamination_tables.LEAK_RATES, good_out / "tables")
    told = contamination.suspects(read_results(good_out)).empty
    assert told == (
        "No label could be checked; leaks could not be looked for: no run of samples.csv holds large clones of two "
        "subjects."
    )


def test_persistence_is_short_and_at_a_common_depth(good_out):
    view = laboratories.persistence(read_results(good_out))
    assert [head.text for head in view.heads[5:]] == [
        "Locus", "Mass", "Of which new", "Clones seen", "Reference kept", "At", "Effective cells",
    ]  # fmt: skip
    (row,) = [row for row in shown(view) if row[4] == "P01_3_tcr"]
    assert row[5:] == ["TRB", "12.5 (11.8-13.1)", "–", "21.0 (20.0-22.0)", "–", "9,000", "21,403"]


def test_a_locus_without_a_number_is_told_in_a_sentence(good_out):
    tables = good_out / "tables"
    held = pl.read_parquet(tables / "persistence.parquet")
    extra = repertoire_tables.PERSISTENCE.frame(
        [{"sample": f"P01_{k}_tcr", "locus": "TRA", "measure": "mass"} for k in (3, 4, 5)]
    )
    write_table(pl.concat([held, extra]), repertoire_tables.PERSISTENCE, tables)
    depth = pl.read_parquet(tables / "depth.parquet")
    of = {"locus": "TRA", "counts": 90, "count_of": "cells", "cells_from": "counted"}
    more = repertoire_tables.DEPTH.frame([{"sample": f"P01_{k}_tcr", **of} for k in (3, 4)])
    write_table(pl.concat([depth, more]), repertoire_tables.DEPTH, tables)
    endpoints = pl.read_parquet(tables / "endpoints.parquet")
    row = endpoints.filter(parameter="persistence_mass", sample="P01_3_tcr").with_columns(
        qualifier=pl.lit("locus=TRA;reference=infusion_product"), method=pl.lit("too small a part"),
        **dict.fromkeys(("value", "lower", "upper"), pl.lit(None, pl.Float64)),
    )  # fmt: skip
    write_table(pl.concat([endpoints, row]), outputs.ENDPOINTS, tables)
    results = read_results(good_out)
    told = "TRA of 2 samples (P01_3_tcr: too small a part). The table endpoints tells why, sample by sample."
    assert laboratories.not_evaluable(results) == f"Without a number: {told}"
    assert not [row for row in shown(laboratories.persistence(results)) if row[5] == "TRA"]
    assert told in page_of(good_out).text


def test_an_assay_without_a_reference_is_told_in_a_sentence(good_out):
    results = read_results(good_out)
    samples = results.tables["samples"]
    chains = samples.filter(sample="P01_3_tcr").with_columns(sample=pl.lit("P01_3_bcr"), assay=pl.lit("bcr"))
    with_chains = replace(results, tables={**results.tables, "samples": pl.concat([samples, chains])})
    assert not [row for row in shown(laboratories.persistence(with_chains)) if row[4] == "P01_3_bcr"]
    assert laboratories.not_evaluable(with_chains) == "Not held against a reference: 1 sample of bcr."
    assert laboratories.not_evaluable(results) == ""


def test_origins_stand_with_how_many_are_wrong_at_least(good_out):
    assert shown(infused.origins(read_results(good_out)))[:2] == [
        ["P01", "TRB", "812 at least 40 wrong", "0", "20", "20", "– none called", "300"],
        ["P02", "TRB", "812 at least 40 wrong", "0", "20", "20", "– none called", "300"],
    ]


def test_changes_count_tested_clones_by_their_call(good_out):
    rows = shown(infused.changes(read_results(good_out)))
    pair = ["P01", "infusion product", "week 1 blood", "TRB"]
    assert rows[2:4] == [[*pair, "infused", "2", "1", "1", "0", "0"], [*pair, "others", "2", "1", "0", "0", "1"]]


def test_without_a_tumour_no_number_of_its_clones_is_told(good_out):
    samples = pl.read_parquet(good_out / "tables" / "samples.parquet")
    kept = samples.filter(~((pl.col("subject") == "P01") & (pl.col("specimen") == "tumor")))
    write_table(kept, outputs.SAMPLES_RUN, good_out / "tables")
    of = {row[0]: row for row in shown(infused.origins(read_results(good_out)))}
    assert (of["P01"][6], of["P02"][6]) == ("– no tumour", "– none called")


def test_changes_of_one_pair_of_samples_stand_together(good_out):
    of = {"sample_after": "P01_3_tcr", "locus": "TRB", "p": 0.5, "family": "f", "call": "cannot_tell", "subject": "P01"}
    samples = pl.read_parquet(good_out / "tables" / "samples.parquet")
    lot = samples.filter(sample="P01_2_tcr").with_columns(sample=pl.lit("P01_2b_tcr"))  # another lot of the product
    write_table(pl.concat([samples, lot]), outputs.SAMPLES_RUN, good_out / "tables")
    rows = [
        of | {"sample_before": before, "in_product": infused, "junction": f"TGT{infused}"}
        for infused in (True, False) for before in ("P01_2_tcr", "P01_2b_tcr")
    ]  # fmt: skip
    write_table(tracking_tables.CHANGE.frame(rows), tracking_tables.CHANGE, good_out / "tables")
    found = [row[1:2] + row[4:5] for row in shown(infused.changes(read_results(good_out)))]
    assert [row[1] for row in found] == ["infused", "others"] * 2
    assert found[0][0] == found[1][0] != found[2][0] == found[3][0]


def test_cells_that_the_product_missed_are_told_beside_those_not_seen(good_out):
    assert shown(infused.cell_labels(read_results(good_out))) == [
        ["P01", "screening", "−35", "P01_0_tcr", "5", "2 50 % of those with a receptor",
         "2 about 0.50 of infused clones", "0", "1"]
    ]  # fmt: skip


def test_kinetics_of_the_mass_stand_by_locus_in_per_cent(good_out):
    endpoints = pl.read_parquet(good_out / "tables" / "endpoints.parquet")
    base = {"subject": "P01", "qualifier": "locus=TRB;reference=infusion_product", "scope": "cohort"}
    rows = [
        {**base, "parameter": "persistence_mass_peak", "unit": "fraction", "value": 0.5, "lower": 0.4, "upper": 0.6,
         "status": "quantified"},
        {**base, "parameter": "persistence_mass_half_life", "unit": "d", "value": 30.0, "lower": 20.0, "upper": 50.0,
         "status": "quantified"},
    ]  # fmt: skip
    of_sorted = {"qualifier": "locus=TRB;population=CD8+ T;reference=infusion_product", "value": 0.7, "upper": 0.8}
    more = outputs.ENDPOINTS.frame([*rows, {**rows[0], **of_sorted}])
    write_table(pl.concat([endpoints, more]), outputs.ENDPOINTS, good_out / "tables")
    assert shown(til_survival.mass_kinetics(read_results(good_out))) == [
        ["P01", "mass %", "TRB", "50 (40-60)", "–", "–", "–", "30 (20-50)", "–", "–"],
        ["P01", "mass %", "TRB, CD8+ T", "70 (40-80)", "–", "–", "–", "–", "–", "–"],
    ]


def test_a_subject_without_kinetics_of_the_mass_is_named_with_the_reason(good_out):
    assert til_survival.without_mass_kinetics(read_results(good_out)) == ""
    reason = "no kinetics of the mass: P01_4_tcr holds another subject's clones"
    row = {"sample": "P01_4_tcr", "check": "persistence kinetics", "verdict": "warn", "reason": reason}
    quality = pl.read_parquet(good_out / "tables" / "quality.parquet")
    write_table(pl.concat([quality, outputs.QUALITY.frame([row])]), outputs.QUALITY, good_out / "tables")
    assert til_survival.without_mass_kinetics(read_results(good_out)) == f"P01: {reason}."
    assert f"P01: {reason}." in page_of(good_out).text


def test_a_run_without_a_product_says_so(tmp_path):
    for table in (*contamination_tables.CONTAMINATION_TABLES, *tracking_tables.TRACKING_TABLES, outputs.SAMPLES_RUN):
        write_table(table.frame(), table, tmp_path / "tables")
    results = read_results(tmp_path)
    assert infused.origins(results).rows == [] and infused.changes(results).rows == []
    assert "it takes receptor samples of two subjects" in contamination.suspects(results).empty
    assert laboratories.not_evaluable(results) == contamination.unjudged(results) == ""
