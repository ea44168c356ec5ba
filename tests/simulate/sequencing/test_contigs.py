import gzip
import re
from itertools import product

import numpy as np
import polars as pl
import pytest

from tilseq.io.clonotypes import read_clonotypes
from tilseq.simulate.sequencing.contigs import CONTIG_COLUMNS, draw_contigs, draw_doublets, true_clones
from tilseq.simulate.streams import stream

CODONS = {"A": "GCC", "G": "GGC", "L": "CTG", "P": "CCT", "R": "CGG", "S": "AGC", "T": "ACC", "V": "GTG"}


def chains(prefix, kept, skip):
    """Different junctions for clones; null where not kept."""
    chain = "TRA" if prefix.startswith("tra") else "TRB"
    middles = [m for m, _ in zip(product("AGLPRSTV", repeat=5), range(skip + len(kept)), strict=False)][skip:]
    amino_acids = ["CA" + "".join(middle) + "F" for middle in middles]
    junctions = ["TGTGCC" + "".join(CODONS[letter] for letter in middle) + "TTC" for middle in middles]
    columns = {
        "v_call": [f"{chain}V{1 + i % 9}*01" for i in range(len(kept))],
        "j_call": [f"{chain}J{1 + i % 2}*01" for i in range(len(kept))],  # a family, whose end denies no junction
        "junction": junctions,
        "junction_aa": amino_acids,
    }
    return [
        pl.Series(f"{prefix}_{name}", [value if keep else None for value, keep in zip(values, kept, strict=True)])
        for name, values in columns.items()
    ]


def captured(number, clones=2_000, seed=1):
    """Cells of uneven clones, the first the largest; one clone in ten has two alpha chains, one in thirty two beta."""
    places = np.arange(clones)
    repertoire = pl.DataFrame(
        [
            pl.Series("clone", places + 1),
            *chains("tra", places >= 0, 0),
            *chains("tra2", places % 10 == 1, 5_000),
            *chains("trb", places >= 0, 10_000),
            *chains("trb2", places % 30 == 2, 15_000),
        ]
    )
    shares = 1 / (places + 5.0)
    cells = repertoire[stream(seed).choice(clones, number, p=shares / shares.sum())]
    return cells.with_columns(pl.Series("barcode", [f"{place:016d}-1" for place in range(number)]))


def patterns(contigs):
    """Share of barcodes by their numbers of productive alpha and beta chains."""
    productive, chain = contigs.filter(pl.col("productive") == "True"), pl.col("chain")
    held = productive.group_by("barcode").agg(a=(chain == "TRA").sum(), b=(chain == "TRB").sum())
    return {(a, b): n / held.height for a, b, n in held.group_by("a", "b").len().iter_rows()}


def test_two_cells_share_a_barcode_eight_times_in_a_thousand_for_each_thousand():
    cells = captured(10_000)
    loaded = draw_doublets(stream(2), cells)
    assert loaded.drop("doublet_of", "barcode").equals(cells.drop("barcode"))
    pairs = loaded["doublet_of"].drop_nulls()
    assert len(pairs) == pytest.approx(800, abs=4 * 28)
    truth = true_clones(loaded)
    assert truth.height == 10_000 - len(pairs)
    assert truth["doublet"].sum() == len(pairs)
    first = loaded["doublet_of"].is_not_null().arg_true()
    assert (first < pairs).all()
    assert loaded["barcode"].is_first_distinct().gather(first).all()
    assert (loaded["barcode"].gather(first) == loaded["barcode"].gather(pairs)).all()
    assert len(set(first) | set(pairs)) == 2 * len(pairs)
    few = [draw_doublets(stream(seed), captured(500, seed=seed))["doublet_of"].count() for seed in range(100)]
    assert np.mean(few) == pytest.approx(500 * 0.004, abs=4 * (2 / 100) ** 0.5)


def test_truth_names_the_clones_of_a_barcode():
    cells = pl.DataFrame({"barcode": ["b", "a", "b", "c", "d", "d"], "clone": [7, 3, 9, None, None, 4]})
    assert true_clones(cells).rows() == [
        ("b", 7, 9, True),
        ("a", 3, None, False),
        ("c", None, None, False),
        ("d", None, 4, True),
    ]


def test_columns_and_words_are_those_of_a_real_file(shared_data):
    path = shared_data / "screpertoire" / "contigs" / "P17B_filtered_contig_annotations.csv.gz"
    with gzip.open(path, "rt") as lines:
        header, first = next(lines).strip().split(","), next(lines).strip().split(",")
    contigs = draw_contigs(stream(1), captured(200))
    assert contigs.columns == header == list(CONTIG_COLUMNS)
    assert contigs.select("is_cell", "high_confidence", "d_gene").unique().rows() == [("True", "True", "None")]
    assert set(contigs["productive"]) == {"True", "False"}
    assert contigs["contig_id"][0] == contigs["barcode"][0] + "_contig_1"
    ours = dict(zip(header, contigs.filter(pl.col("productive") == "True").row(0), strict=True))
    theirs = dict(zip(header, first, strict=True))
    forms = {
        "contig_id": r"\S+-1_contig_[0-9]+",
        "v_gene": r"TR[AB]V[0-9-]+",
        "c_gene": r"TRAC|TRBC[12]",
        "raw_clonotype_id": "clonotype[0-9]+",
        "raw_consensus_id": "clonotype[0-9]+_consensus_[0-9]+",
    }
    for name, form in forms.items():
        assert re.fullmatch(form, ours[name])
        assert re.fullmatch(form, theirs[name])


def test_the_reader_counts_cells_of_true_clones(tmp_path):
    cells = draw_doublets(stream(3), captured(4_000))
    contigs = draw_contigs(stream(4), cells)
    contigs.write_csv(tmp_path / "contigs.csv")
    read = read_clonotypes(tmp_path / "contigs.csv")
    assert (read.dialect, read.count_of) == ("10x", "cells")
    assert all("no human genes" in warning for warning in read.warnings)  # the fixture's names are made up
    assert read.exclusions["rule"].to_list() == ["not productive"]
    # In blood of the public samples 88 to 92 % of barcodes have an alpha chain, 97 to 99 % a beta chain.
    assert 0.85 < read.cells["TRA"] / cells["barcode"].n_unique() < 0.93
    assert 0.94 < read.cells["TRB"] / cells["barcode"].n_unique() < 0.99
    largest = read.table.filter(pl.col("locus") == "TRB").row(0, named=True)
    true = cells.filter(pl.col("trb_junction") == largest["junction"])
    assert set(true["clone"]) == {1}
    assert largest["duplicate_count"] == pytest.approx(true["barcode"].n_unique(), rel=0.07)


def test_contigs_are_of_the_true_clones_but_for_some_ambient_ones():
    cells = draw_doublets(stream(5), captured(5_000))
    contigs = draw_contigs(stream(6), cells).filter(pl.col("productive") == "True")
    true = pl.concat(
        cells.select(
            "barcode", pl.lit(prefix[:3].upper()).alias("chain"), pl.col(f"{prefix}_junction").alias("cdr3_nt")
        )
        for prefix in ("tra", "tra2", "trb", "trb2")
    )
    strange = contigs.join(true.drop_nulls(), on=["barcode", "chain", "cdr3_nt"], how="anti")
    assert 0 < strange.height < 0.01 * contigs.height
    assert strange["umis"].max() <= 2
    genes = cells.select(
        pl.col("trb_junction").alias("cdr3_nt"), "trb_v_call", "trb_j_call", "trb_junction_aa"
    ).unique()
    joined = contigs.filter(pl.col("chain") == "TRB").join(genes, on="cdr3_nt")
    assert (joined["v_gene"] + "*01" == joined["trb_v_call"]).all()
    assert (joined["cdr3"] == joined["trb_junction_aa"]).all()
    named = joined.filter(pl.col("c_gene") != "None")
    assert (named["c_gene"].str.slice(4, 1) == named["trb_j_call"].str.slice(4, 1)).all()


def test_chains_drop_out_as_in_real_samples():
    # Of the public samples' barcodes 6 to 12 % (blood) and 18 to 28 % (tumour) have a beta chain alone;
    # 1.5 to 2.5 % and 2.3 to 4.8 % an alpha chain alone.
    blood, tumor = (patterns(draw_contigs(stream(7), captured(6_000), efficiency=e)) for e in (1, 0.65))
    assert 0.06 < blood[0, 1] < 0.13 < 0.17 < tumor[0, 1] < 0.28
    assert 0.015 < blood[1, 0] < 0.03 < 0.035 < tumor[1, 0] < 0.06
    assert set(blood) == {(a, b) for a in range(3) for b in range(3)} - {(0, 0)}


def test_clones_with_two_alpha_chains_show_both_more_often_than_not():
    cells = captured(6_000)
    dual = cells.filter(pl.col("tra2_junction").is_not_null())["barcode"]
    contigs = draw_contigs(stream(8), cells).filter((pl.col("productive") == "True") & (pl.col("chain") == "TRA"))
    twice = contigs.group_by("barcode").len().filter(pl.col("len") == 2)["barcode"]
    assert 0.65 < twice.is_in(dual.implode()).sum() / len(dual) < 0.85
    assert twice.is_in(dual.implode()).mean() > 0.9


def test_a_clonotype_is_a_set_of_productive_chains():
    contigs = draw_contigs(stream(9), draw_doublets(stream(9), captured(3_000)))
    productive = contigs.filter(pl.col("productive") == "True")
    assert productive.group_by("barcode", "chain").len()["len"].max() == 2
    assert productive.group_by("barcode", "chain", "cdr3_nt").len()["len"].max() == 1
    sets: dict[str, set[frozenset[str]]] = {}
    cells: dict[str, int] = {}
    for (_, clonotype), rows in productive.group_by("barcode", "raw_clonotype_id"):
        sets.setdefault(clonotype, set()).add(frozenset(rows["chain"] + rows["cdr3_nt"]))
        cells[clonotype] = cells.get(clonotype, 0) + 1
    assert {len(each) for each in sets.values()} == {1}
    assert len({next(iter(each)) for each in sets.values()}) == len(sets)
    sizes = [cells[f"clonotype{number}"] for number in range(1, len(cells) + 1)]
    assert sizes == sorted(sizes, reverse=True)
    consensus = productive.group_by("raw_consensus_id").agg(pl.col("cdr3_nt", "raw_clonotype_id").n_unique())
    assert set(consensus["cdr3_nt"]) == set(consensus["raw_clonotype_id"]) == {1}


def test_unproductive_contigs_belong_to_cells_and_are_no_one_elses_clone():
    contigs = draw_contigs(stream(10), captured(3_000))
    good, bad = (contigs.filter(pl.col("productive") == word) for word in ("True", "False"))
    assert bad["barcode"].is_in(good["barcode"].implode()).all()
    assert set(bad["raw_consensus_id"]) == {"None"}
    assert ((bad["v_gene"] == "None") == (bad["full_length"] == "False")).all()
    with_junction = bad.filter(pl.col("cdr3") != "None")
    assert 0 < with_junction.height < bad.height
    assert not with_junction["cdr3_nt"].is_in(good["cdr3_nt"].implode()).any()
    assert (with_junction["cdr3_nt"].str.len_chars() == 3 * with_junction["cdr3"].str.len_chars()).all()
    # In 10x's 3,000 PBMC: 869 beside 3,123 productive ones.
    assert bad.height / good.height == pytest.approx(869 / 3_123, rel=0.15)


def test_other_cells_have_no_contigs():
    cells = captured(50).with_columns(pl.lit(None, pl.String).alias(n) for n in captured(1).columns if "_" in n)
    contigs = draw_contigs(stream(11), cells)
    assert contigs.columns == list(CONTIG_COLUMNS)
    assert contigs.height == 0
    assert draw_contigs(stream(11), cells.head(0)).height == 0


def test_the_same_stream_gives_the_same_contigs():
    one, other = (draw_contigs(stream(12), draw_doublets(stream(13), captured(1_000))) for _ in range(2))
    assert one.equals(other)
