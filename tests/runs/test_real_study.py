"""A study assembled from real files runs to a report; each number against an independent computation."""

import csv
import gzip
import math
from collections import Counter, defaultdict
from importlib.resources import files
from zlib import crc32

import flowio
import numpy as np
import polars as pl
import pytest
from scipy.stats import rankdata


def table(run, name):
    return pl.read_parquet(run.out / "tables" / f"{name}.parquet")


def contigs(data, name):
    """Cells of each functional junction, by locus, parsed with nothing but the standard library."""
    path = data / "screpertoire" / "contigs" / f"{name}_filtered_contig_annotations.csv.gz"
    cells = defaultdict(set)
    with gzip.open(path, "rt", newline="") as stream:
        for row in csv.DictReader(stream):
            called = row["is_cell"] == "True" and row["high_confidence"] == "True" and row["productive"] == "True"
            if called and row["cdr3_nt"] not in ("", "None") and not set(row["cdr3"]) & set("*_"):
                cells[row["chain"], row["cdr3_nt"]].add(row["barcode"])
    counts = defaultdict(Counter)
    for (locus, junction), barcodes in cells.items():
        if locus in ("TRA", "TRB"):
            counts[locus][junction] = len(barcodes)
    return counts


def cells_with(data, name, locus):
    """Distinct cells with a functional chain of a locus."""
    path = data / "screpertoire" / "contigs" / f"{name}_filtered_contig_annotations.csv.gz"
    with gzip.open(path, "rt", newline="") as stream:
        return len(
            {
                row["barcode"]
                for row in csv.DictReader(stream)
                if row["chain"] == locus
                and row["is_cell"] == row["high_confidence"] == row["productive"] == "True"
                and row["cdr3_nt"] not in ("", "None")
                and not set(row["cdr3"]) & set("*_")
            }
        )


def test_it_runs_without_failure_to_a_report(real_run):
    assert table(real_run, "failures").height == 0
    assert (real_run.out / "report.html").stat().st_size > 10_000
    states = table(real_run, "samples")
    assert states.height == 18
    assert set(states["state"]) <= {"ok", "warn"}


def within_region(column, region):
    """Return the events within the stated radius: an ellipsoid on natural logarithms, its axes along the channels."""
    away = 0.0
    for row in region:
        logs = np.log(np.maximum(column[row["channel"]], 1e-3 * row["threshold"]) / row["threshold"])
        away = away + (logs / row["spread"]) ** 2
    assert len(region) >= 2
    return np.sqrt(away) <= region[0]["radius"]


def test_tubes_are_counted_as_their_cuts_say(real_run, shared_data):
    """The cuts that the run states, applied to flowio's events by hand, give the counts that it states."""
    counts, cuts = table(real_run, "counts"), table(real_run, "cuts")
    for sample in [f"itn_{i:02d}" for i in range(1, 9)]:
        flow = flowio.FlowData(str(shared_data / "flow" / "itn" / f"{sample}.fcs"))
        events = np.reshape(flow.events, (-1, flow.channel_count))
        column = {flow.channels[i + 1]["pnn"]: events[:, i] for i in range(flow.channel_count)}
        cut = {row["gate"]: row for row in cuts.filter(sample=sample).iter_rows(named=True)}
        over = {marker: column[cut[marker]["channel"]] > cut[marker]["threshold"] for marker in ("CD3", "CD4", "CD8")}
        told = {row["population"]: row for row in counts.filter(sample=sample).iter_rows(named=True)}
        lymphocytes = within_region(column, [row for gate, row in cut.items() if gate.startswith("lymphocytes ")])
        t_cells = lymphocytes & over["CD3"]
        by_hand = {
            "lymphocytes": lymphocytes,
            "CD3+": t_cells,
            "CD4+ T": t_cells & over["CD4"] & ~over["CD8"],
            "CD8+ T": t_cells & over["CD8"] & ~over["CD4"],
            "DP T": t_cells & over["CD4"] & over["CD8"],
        }
        assert {name: told[name]["events"] for name in by_hand} == {n: int(mask.sum()) for n, mask in by_hand.items()}
        parts = sum(told[name]["events"] for name in ("CD4+ T", "CD8+ T", "DN T", "DP T"))
        assert parts == told["CD3+"]["events"]
        share = told["CD4+ T"]["events"] / told["CD3+"]["events"] * 100
        assert told["CD4+ T"]["percent_of_parent"] == pytest.approx(share, rel=1e-12)
        ratio = table(real_run, "endpoints").filter(sample=sample, parameter="cd4_cd8_ratio")["value"][0]
        assert ratio == pytest.approx(told["CD4+ T"]["events"] / told["CD8+ T"]["events"], rel=1e-12)
        assert 0.9 <= ratio <= 10


def test_diversity_equals_a_parse_by_the_standard_library(real_run, shared_data):
    diversity = table(real_run, "diversity")
    for name in ("P17B", "P17L", "P19B", "P20L"):
        for locus, counts in contigs(shared_data, name).items():
            total = sum(counts.values())
            entropy = -sum(n / total * math.log(n / total) for n in counts.values())
            told = dict(diversity.filter(sample=f"{name}_tcr", locus=locus).select("parameter", "value").iter_rows())
            assert told["cells_or_counts"] == total
            assert told["richness"] == len(counts)
            assert told["shannon_entropy_nats"] == pytest.approx(entropy, rel=1e-12)


def test_mass_of_tumour_clones_in_blood_equals_a_parse_by_the_standard_library(real_run, shared_data):
    endpoints = table(real_run, "endpoints").filter(parameter="persistence_mass")
    for subject in ("P17", "P18", "P19", "P20"):
        blood, tumor = contigs(shared_data, f"{subject}B")["TRB"], contigs(shared_data, f"{subject}L")["TRB"]
        held = sum(n for junction, n in blood.items() if junction in tumor)
        row = endpoints.filter(sample=f"{subject}B_tcr", qualifier="locus=TRB;reference=tumor").row(0, named=True)
        assert row["value"] == pytest.approx(held / sum(blood.values()), rel=1e-12)
        assert row["n"] == cells_with(shared_data, f"{subject}B", "TRB")
        assert row["lower"] <= row["value"] <= row["upper"]
        assert row["scope"] == "cohort"


def by_bins(logged, genes):
    """Return each gene's bin, as scanpy parts them, and the genes of each bin that may be controls, by scipy and zlib.

    Chosen are the 50 of a bin whose symbol with the seed, `PCLAF:0`, has the lowest CRC-32.
    """
    means = [float(f"{mean:.5e}") for mean in logged.mean(axis=0)]  # what differs by rounding alone is tied
    bins = (rankdata(means, method="min") // round(len(genes) / 24)).astype(int)
    chosen = {}
    for one in set(bins):
        members = [gene for gene, own in zip(genes, bins, strict=True) if own == one]
        chosen[one] = set(sorted(members, key=lambda gene: crc32(f"{gene}:0".encode()))[:50])
    return dict(zip(genes, bins, strict=True)), chosen


def test_scores_equal_a_dense_computation(real_run, shared_data):
    import anndata

    from tilseq.expression import load_signatures

    with open(files("tilseq") / "gene_symbols.tsv", newline="") as stream:
        present = {row["retired"]: row["present"] for row in csv.DictReader(stream, delimiter="\t")}
    cells = anndata.read_h5ad(shared_data / "screpertoire" / "gex_500cells_raw_counts.h5ad")
    genes = [present.get(gene, gene) for gene in cells.var_names]
    assert len(set(genes)) == len(genes)
    place = {gene: i for i, gene in enumerate(genes)}
    scores = table(real_run, "scores")
    assert scores["value"].drop_nulls().len() > 0
    for name in ("P17B", "P17L"):
        counts = cells[cells.obs["sample"] == name].X.toarray().astype(np.float64)
        mitochondrial = counts[:, [gene.startswith("MT-") for gene in genes]].sum(axis=1)
        few = (counts.sum(axis=1) < 500) | ((counts > 0).sum(axis=1) < 100)
        counts = counts[~few & (mitochondrial <= 0.15 * counts.sum(axis=1))]
        logged = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
        bins, controls = by_bins(logged, genes)
        for row in scores.filter(pl.col("sample") == f"{name}_rna").iter_rows(named=True):
            one = load_signatures()[row["set"]]
            expected, found, enough = 0.0, 0, True
            for sign, listed in ((1, one.up), (-1, one.down)):
                own = [gene for gene in listed if gene in place]
                found += len(own)
                enough &= len(own) >= len(listed) / 2
                if own and enough:
                    others = set().union(*(controls[bins[gene]] for gene in own)) - {*one.up, *one.down}
                    means = [logged[:, [place[gene] for gene in side]].mean() for side in (own, sorted(others))]
                    expected += sign * (means[0] - means[1])
            assert (row["genes_found"], row["genes_listed"]) == (found, len(one.up) + len(one.down))
            assert row["n"] == len(counts)
            assert row["value"] == (pytest.approx(expected, abs=1e-5) if enough else None)


def test_responses_agree_with_those_recorded(real_run):
    response = table(real_run, "response")
    with_targets = response.drop_nulls("agrees").filter(pl.col("targets") > 0)
    assert with_targets.height == 57
    assert with_targets["agrees"].sum() == 57
    assert response.drop_nulls("agrees")["agrees"].all()


def test_sums_of_diameters_equal_a_plain_sum(real_run):
    """Complete target sums, by hand from TU and TR."""

    def read(name):
        with open(real_run.study / "clinical" / name, newline="") as stream:
            return list(csv.DictReader(stream))

    def reader(row, domain):
        return row[f"{domain}EVALID"] if row[f"{domain}EVALID"] != "NA" else row[f"{domain}EVAL"]

    node = {
        (row["USUBJID"], reader(row, "TU"), row["TULNKID"]): row["TULOC"] == "LYMPH NODE"
        for row in read("tu.csv")
        if row["TUORRES"] == "TARGET"
    }
    sums = defaultdict(dict)
    for row in read("tr.csv"):
        key = (row["USUBJID"], reader(row, "TR"), row["TRLNKID"])
        if key in node and row["TRTESTCD"] == ("LPERP" if node[key] else "LDIAM") and row["TRSTRESN"] != "NA":
            sums[key[0], key[1], row["VISIT"]][key[2]] = float(row["TRSTRESN"])
    told = table(real_run, "response").drop_nulls("sum_mm")
    assert told.height > 40
    for row in told.iter_rows(named=True):
        assert row["sum_mm"] == pytest.approx(sum(sums[row["subject"], row["reader"], row["visit"]].values()), abs=0.06)
