from math import exp

import flowio
import numpy as np
import polars as pl
import pytest

from tilseq.simulate.compartments import Specimen
from tilseq.simulate.cytometry.panels import PANELS, T_STATE, TBNK
from tilseq.simulate.design import BatchShift, Confounders
from tilseq.simulate.folder.flow import abundances, kit_rows, vbeta_shares, write_tube
from tilseq.simulate.states import STATES

EFFECTOR, CENTRAL = STATES.index("effector"), STATES.index("central_memory")
NAMES = ("SIM-01_product_flow", "SIM-01_product_tstate", "SIM-01_baseline_flow", "SIM-01_D28_flow", "SIM-01_D28_tstate")


@pytest.fixture(scope="module")
def context(tmp_path_factory, make_context):
    return make_context(tmp_path_factory.mktemp("flow"), cells=3_000)


@pytest.fixture(scope="module")
def written(context, samples_by_name):
    """Rows of `samples` and true `populations`, by sample."""
    samples = samples_by_name(context, "flow")
    return {name: write_tube(context, samples[name]) for name in NAMES}


def events(context, name):
    read = flowio.FlowData(str(context.folder / "raw" / "flow" / f"{name}.fcs"))
    return read, read.as_array(preprocess=False)


@pytest.mark.parametrize("name", NAMES)
def test_each_event_has_its_label_in_its_place(context, written, read_truth, name):
    read, values = events(context, name)
    labels = read_truth(context.folder, f"truth/flow/{name}.csv.gz")
    assert (read.version, read.event_count, labels.height) == ("3.1", 3_000, 3_000)
    assert labels.columns == ["label"]
    panel = PANELS[written[name]["samples"][0]["panel"]]
    assert set(labels["label"]) <= set(panel.kinds)
    assert read.pnn_labels == list(panel.channels)
    # What is labelled debris is small: labels that had slipped against the events would show.
    forward, debris = values[:, 0], (labels["label"] == "debris").to_numpy()
    assert np.median(forward[debris]) < 0.5 * np.median(forward[~debris])


@pytest.mark.parametrize("visit", ["baseline", "D28"])
def test_all_cells_of_the_whole_blood_are_the_white_cells_of_the_labs(context, written, samples_by_name, visit):
    name = f"SIM-01_{visit}_flow"
    day = samples_by_name(context, "flow")[name].day
    counted = pl.DataFrame(written[name]["populations"])["cells_per_ul"].sum()
    assert counted == pytest.approx(1000 * context.subject.laboratory.at("WBC", day))


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_as_common_as_the_truth_says(context, written, read_truth, name):
    truth = pl.DataFrame(written[name]["populations"])
    assert set(truth["sample"]) == {name}
    assert truth["fraction_of_cells"].sum() == pytest.approx(1)
    labels = read_truth(context.folder, f"truth/flow/{name}.csv.gz")["label"]
    living = labels.filter(labels.is_in(truth["population"].implode()))
    assert len(living) > 1_500
    for kind, share in truth.select("population", "fraction_of_cells").iter_rows():
        sd = (share * (1 - share) / len(living)) ** 0.5
        assert (living == kind).mean() == pytest.approx(share, abs=5 * sd + 1 / len(living))


def test_populations_are_those_of_the_specimen(context, written):
    blood = context.subject.blood(-10)
    truth = {row["population"]: row["cells_per_ul"] for row in written["SIM-01_baseline_flow"]["populations"]}
    t_cells = truth["CD4+ T"] + truth["CD8+ T"] + truth["DN T"] + truth["DP T"]
    assert t_cells == pytest.approx(blood.t_cells)
    assert t_cells + truth["B"] + truth["NK"] == pytest.approx(blood.lymphocytes)
    # A panel of whole blood has granulocytes, as many as the laboratory's neutrophils.
    assert truth["granulocyte"] == pytest.approx(1_000 * context.subject.laboratory.at("ANC", -10))
    state = {row["population"] for row in written["SIM-01_product_tstate"]["populations"]}
    assert "CD8+ T effector" in state
    assert not {"CD8+ T", "granulocyte", "CD4+ T naive"} & state


def test_only_blood_has_cells_per_microlitre_and_only_its_lymphocyte_tube_beads(context, written, read_truth):
    for name, rows in written.items():
        (row,) = rows["samples"]
        counted = name in ("SIM-01_baseline_flow", "SIM-01_D28_flow")
        assert (row.get("beads_per_tube"), row.get("sample_volume_ul")) == ((50_000, 50.0) if counted else (None, None))
        labels = read_truth(context.folder, f"truth/flow/{name}.csv.gz")["label"]
        assert ("bead" in labels) == counted
        per_ul = {one["cells_per_ul"] is not None for one in rows["populations"]}
        assert per_ul == {"product" not in name}
        assert row["path"] == f"raw/flow/{name}.fcs"
        assert row["run"] == f"flow-SIM-01-{row['visit']}"


def test_tubes_with_v_betas_name_them_and_the_mark_of_infused_cells(context, written):
    stained = {name for name in NAMES if name.endswith("tstate")}
    marks = {name: rows["samples"][0].get("marked_population") for name, rows in written.items()}
    assert marks == {name: "CD8+ TCR Vb+" if name in stained else None for name in NAMES}
    chosen = context.vbeta.antibodies
    for name, rows in written.items():
        told = f"TCR Vb: {', '.join(chosen)}" if name in stained else None
        assert rows["samples"][0].get("comment") == told
        labels = events(context, name)[0].pns_labels
        assert (f"TCR {'+'.join(chosen)} PE" in labels) == (name in stained)
        assert [row["sample"] for row in rows.get("marked", [])] == ([name] if name in stained else [])


def test_the_kit_is_told_with_what_was_chosen(context):
    rows = kit_rows(context)
    assert {row["subject"] for row in rows} == {"SIM-01"}
    assert [row["antibody"] for row in rows if row["chosen"]] == list(context.vbeta.antibodies)
    assert {row["antibody"]: row["genes"] for row in rows}["Vb8"] == "TRBV12-3;TRBV12-4"
    assert [row["product"] for row in rows] == context.vbeta.product.tolist()
    assert [row["baseline"] for row in rows] == context.vbeta.baseline.tolist()


def test_beads_count_the_cells(context, written, read_truth):
    # 50,000 beads for 50 µL: each cell per bead is 1,000 cells per µL; pipette and lot are off by some percent.
    labels = read_truth(context.folder, "truth/flow/SIM-01_baseline_flow.csv.gz")["label"]
    truth = {row["population"]: row["cells_per_ul"] for row in written["SIM-01_baseline_flow"]["populations"]}
    cells = labels.is_in(list(truth)).sum()
    found = 1_000 * cells / (labels == "bead").sum()
    assert found == pytest.approx(sum(truth.values()), rel=0.2)


def test_abundances_by_hand(context):
    lineage = context.subject.clones["lineage"].to_list()
    cd4, cd8 = lineage.index("CD4"), lineage.index("CD8")
    infused, endogenous = np.zeros((2, len(lineage), len(STATES)))
    infused[cd8, EFFECTOR], endogenous[cd8, EFFECTOR], endogenous[cd4, CENTRAL] = 30.0, 10.0, 36.0
    specimen = Specimen(infused, endogenous, {"CD4": 12.0, "CD8": 8.0}, {"B": 5.0, "NK": 7.0})
    assert abundances(specimen, context.subject, TBNK) == pytest.approx(
        {"CD4+ T": 48, "CD8+ T": 48, "DN T": 3, "DP T": 1, "B": 5, "NK": 7}
    )
    states = {kind: cells for kind, cells in abundances(specimen, context.subject, T_STATE).items() if cells}
    assert {kind: cells for kind, cells in states.items() if "+" in kind} == pytest.approx(
        {"CD4+ T naive": 12, "CD4+ T central_memory": 36, "CD8+ T naive": 8, "CD8+ T effector": 40}
    )


def test_v_betas_are_carried_by_clones_of_their_genes(context):
    clones = context.subject.clones.with_row_index("place")
    genes = [call.split("*")[0] for call in clones["trb_v_call"]]
    carries = pl.Series(genes).is_in(["TRBV20-1", "TRBV9"])
    cd8 = pl.col("lineage") == "CD8"
    one, other = (clones.filter(cd8, which)["place"][0] for which in (carries, ~carries))
    cells = np.zeros((clones.height, len(STATES)))
    cells[one, EFFECTOR], cells[other, EFFECTOR], cells[other, CENTRAL] = 30.0, 90.0, 5.0
    shares = vbeta_shares(
        Specimen(cells, np.zeros_like(cells), {"CD4": 10.0, "CD8": 0.0}, {}), clones, ["TRBV20-1", "TRBV9"]
    )
    assert shares["CD8+ T effector"] == pytest.approx(0.25)
    assert shares["CD8+ T central_memory"] == 0
    # Naive cells: each clone counted once.
    assert shares["CD4+ T naive"] == pytest.approx((genes.count("TRBV20-1") + genes.count("TRBV9")) / len(genes))
    assert shares["CD4+ T effector"] == 0
    assert len(shares) == 12


def test_a_shifted_run_dims_two_stains_of_one_visit(tmp_path, context, written, make_context, samples_by_name):
    shift = BatchShift(subject="SIM-01", visit="D28", log_shift=-1.2)
    shifted = make_context(tmp_path, cells=3_000, confounders=Confounders(batch_shift=shift))
    samples = samples_by_name(shifted, "flow")
    for name in NAMES:
        assert write_tube(shifted, samples[name]) == written[name]
        before, after = (one.folder / "raw" / "flow" / f"{name}.fcs" for one in (context, shifted))
        assert (before.read_bytes() == after.read_bytes()) == ("D28" not in name)
        labels = [one.folder / "truth" / "flow" / f"{name}.csv.gz" for one in (context, shifted)]
        assert labels[0].read_bytes() == labels[1].read_bytes()
    plain, dim = (events(one, "SIM-01_D28_flow")[1][:, 3:-1] @ np.linalg.inv(TBNK.spill) for one in (context, shifted))
    labels = pl.read_csv(context.folder / "truth" / "flow" / "SIM-01_D28_flow.csv.gz")["label"].to_numpy()
    markers = [dye.marker for dye in TBNK.dyes]
    for marker, kind in (("CD4", "CD4+ T"), ("CD8", "CD8+ T"), ("CD3", "CD4+ T")):
        column = markers.index(marker)
        fold = np.median(dim[labels == kind, column]) / np.median(plain[labels == kind, column])
        assert fold == pytest.approx(exp(-1.2) if marker != "CD3" else 1.0, rel=0.15)
