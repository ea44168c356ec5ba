import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.repertoire import mutation as module
from tilseq.repertoire import mutation_load, mutations
from tilseq.repertoire.mutation import misaligned


def aligned(seen, germline, **more):
    return pl.DataFrame({"sequence_alignment": seen, "germline_alignment": germline, **more})


# tests/oracles/bcr.R, shazam 1.1.2: sequence, germline, replacements, silent, frequency
SHAZAM = [
    ("ATG-GACCC", "ATGAAACCC", 1, 0, 0.125),
    ("ATG...ACC", "ATGAAACCA", 1, 1, 1 / 3),
    ("ATGAGACCC", "ATG-AACCC", 0, 0, 0),
    ("ATGTAGCCC", "ATGAAACCA", 0, 2, 2 / 9),
    ("ATGTGGCCC", "ATGTAACCC", 0, 0, 0),
    ("ATGAG", "ATGAAACCC", 0, 0, 0),
    ("ATGAANCCC", "ATGACACCC", 1, 0, 0.125),
    ("..TGAACCC", "ATGAAACCC", 2, 0, 2 / 7),
    ("ATGTAACCC", "ATGAAACCC", 0, 0, 0),
]


@pytest.mark.parametrize(("seen", "germline", "replacement", "silent", "frequency"), SHAZAM)
def test_odd_codons_are_counted_as_shazam_counts_them(seen, germline, replacement, silent, frequency):
    row = mutations(aligned([seen], [germline])).row(0, named=True)
    assert row["mutations"] == replacement + silent
    assert (row["fwr_replacement"], row["fwr_silent"]) == (replacement, silent)
    assert row["mutation_frequency"] == pytest.approx(frequency, abs=1e-12)


def test_regions_are_those_of_imgt():
    # One AAA codon a region turned into AGA (replacement) or, from GGA, GGG (silent), at the regions' first and last.
    germline = "AAA" * 104
    for start, region in ((0, "fwr"), (75, "fwr"), (78, "cdr"), (111, "cdr"), (114, "fwr"), (162, "fwr"), (165, "cdr"),
                          (192, "cdr"), (195, "fwr"), (309, "fwr")):  # fmt: skip
        seen = germline[:start] + "AGA" + germline[start + 3 :]
        row = mutations(aligned([seen + "CCC"], [germline + "CCA"])).row(0, named=True)
        other = {"fwr": "cdr", "cdr": "fwr"}[region]
        assert (row[f"{region}_replacement"], row[f"{other}_replacement"], row["mutations"]) == (1, 0, 2)
        assert row["v_identity"] == pytest.approx(311 / 312)
    assert (row["cdr_bases"], row["fwr_bases"], row["bases"]) == (66, 246, 315)


def test_identity_is_the_files_where_there_is_no_alignment():
    table = aligned([None, "AAC", "NNN"], [None, "AAA", "AAA"], v_identity=[0.97, 0.5, None])
    found = mutations(table)
    assert found.select("v_identity", "identity_source", "mutations", "mutation_frequency").rows() == [
        (0.97, "file", None, None),
        (pytest.approx(2 / 3), "alignment", 1, pytest.approx(1 / 3)),
        (None, None, 0, None),
    ]
    assert mutations(pl.DataFrame({"x": [1]})).row(0, named=True)["v_identity"] is None
    assert mutations(table.clear()).height == 0
    with pytest.raises(TableError, match="column v_identity"):
        mutations(table.with_columns(v_identity=pl.lit(97.0)))
    with pytest.raises(TableError, match="letters only"):
        mutations(aligned(["AÄA"], ["AAA"]))


def test_a_column_of_a_results_name_is_replaced():
    table = aligned(["ATGAGACCC"], ["ATGAAACCC"], mutations=[99], kept=["x"])
    assert mutations(table).select("mutations", "kept").rows() == [(1, "x")]


def test_rows_are_read_in_pieces(monkeypatch):
    table = aligned([row[0] for row in SHAZAM], [row[1] for row in SHAZAM])
    whole = mutations(table)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    assert mutations(table).equals(whole)


bases = st.text("ACGTN.-", max_size=30)


@given(st.lists(st.tuples(bases, bases), min_size=1, max_size=5))
def test_parts_never_exceed_the_whole(pairs):
    found = mutations(aligned([one for one, _ in pairs], [other for _, other in pairs]))
    for (seen, germline), row in zip(pairs, found.iter_rows(named=True), strict=True):
        differ = sum(a != b and {a, b} <= set("ACGT") for a, b in zip(seen, germline, strict=False))
        parts = row["cdr_replacement"] + row["cdr_silent"] + row["fwr_replacement"] + row["fwr_silent"]
        assert parts == row["mutations"] <= differ  # all lie in V
        assert row["cdr_bases"] + row["fwr_bases"] >= row["bases"]
        assert row["mutation_frequency"] is None or 0 <= row["mutation_frequency"] <= 1


def load(frequencies, families, isotypes):
    frame = pl.DataFrame({"mutation_frequency": frequencies, "family_id": families, "c_call": isotypes})
    return mutation_load(frame.with_columns(locus=pl.lit("IGH")), sample="s")


def test_a_family_counts_once():
    found = load([0.02, 0.04, 0.1, 0.0, None], ["a", "a", "b", None, "c"], ["IGHM", "IGHG1*01", "IGHG2", None, "IGHM"])
    rows = {row["isotype"]: row for row in found.iter_rows(named=True)}
    assert {name: (row["sequences"], row["families"]) for name, row in rows.items()} == {
        "all": (4, 3),
        "IGHG": (2, 2),
        "IGHM": (1, 1),
    }
    # R: t.test(c(.03, .1, 0))
    assert [rows["all"][name] for name in ("mean_frequency", "median_frequency", "lower", "upper")] == pytest.approx(
        [0.0433333333333333, 0.03, 0, 0.1708093799073562], abs=1e-12
    )
    assert rows["IGHM"]["lower"] is None


def test_limits_of_the_mean_cover_it():
    """Families of skewed load and size: 40 % naive, the others gamma; 2,000 samples of 40 families."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(2000):
        of_family = np.where(rng.random(40) < 0.4, 0.001, rng.gamma(4, 0.015, 40))
        families = np.repeat(np.arange(40), 1 + rng.poisson(2, 40))
        frame = pl.DataFrame({"mutation_frequency": of_family[families], "len": 1}).with_columns(
            family_id=pl.Series(families)
        )
        means = frame.group_by("family_id").agg(pl.col("mutation_frequency").mean())
        row = module._mean(means["mutation_frequency"])
        covered += row["lower"] <= 0.4 * 0.001 + 0.6 * 0.06 <= row["upper"]
    assert 0.93 <= covered / 2000 <= 0.98


JUNCTION = "TGTGCGAAATGG"
V = "A" * 100 + "." * 12 + "C" * 197  # 309 places of IMGT's numbering
AFTER_V = "GGCCAAGGGACC"


@pytest.mark.parametrize(
    ("seen", "junction", "number"),
    [
        (V + JUNCTION + AFTER_V, JUNCTION, 0),
        (V.lower() + JUNCTION.lower() + AFTER_V, JUNCTION, 0),
        (V + JUNCTION + AFTER_V, "TGTGCGAACTGG", 1),  # of another row
        (V.replace(".", "") + JUNCTION + AFTER_V + AFTER_V, JUNCTION, 1),  # without gaps
        ("A" + V + JUNCTION + AFTER_V, JUNCTION, 1),
        (V + JUNCTION, "TGTGCGAACTGG", 0),  # ends where V may end
        (None, JUNCTION, 0),
        (V + JUNCTION + AFTER_V, None, 0),
    ],
)
def test_a_junction_begins_at_base_310_of_imgts_numbering(seen, junction, number):
    table = pl.DataFrame({"sequence_alignment": [seen], "junction": [junction]}, schema_overrides=dict.fromkeys(
        ("sequence_alignment", "junction"), pl.String))  # fmt: skip
    assert misaligned(table) == number
    assert misaligned(table.drop("sequence_alignment")) == 0
