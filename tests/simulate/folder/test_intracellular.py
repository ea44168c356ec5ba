import flowio
import numpy as np
import polars as pl
import pytest

from tilseq.intervals import clopper_pearson
from tilseq.simulate.cytometry.panels import ICS
from tilseq.simulate.design import Stimulation
from tilseq.simulate.folder.intracellular import split, write_stimulated
from tilseq.tables import inputs

EVENTS = 20_000
ENDINGS = ("icsnone", "icstumor", "icspma")
KINDS = ["CD4+ T", "CD8+ T", "DN T", "DP T", "NK"]
ICS_DESIGN = Stimulation(visits=["product", "baseline", "D28"], stimuli=["autologous tumour", "PMA/ionomycin"])


@pytest.fixture(scope="module")
def context(tmp_path_factory, make_context):
    return make_context(tmp_path_factory.mktemp("ics"), cells=EVENTS, ics=ICS_DESIGN)


@pytest.fixture(scope="module")
def written(context, samples_by_name):
    """Rows by sample."""
    every = samples_by_name(context, "flow")
    return {name: write_stimulated(context, sample) for name, sample in every.items() if sample.panel == "ics"}


@pytest.fixture(scope="module")
def truth(written):
    return pl.DataFrame([row for rows in written.values() for row in rows["intracellular"]], infer_schema_length=None)


def labels(context, name):
    return pl.read_csv(context.folder / "truth" / "flow" / f"{name}.csv.gz")


def compensated(context, name):
    """Return marker → compensated values."""
    values = flowio.FlowData(str(context.folder / "raw" / "flow" / f"{name}.fcs")).as_array(preprocess=False)
    unmixed = values[:, 3:-1] @ np.linalg.inv(ICS.spill)
    return dict(zip((dye.marker for dye in ICS.dyes), unmixed.T, strict=True))


def share(truth, name, kind, column="share"):
    return truth.filter(sample=name, population=kind)[column].item()


def test_there_are_tubes_with_and_without_each_stimulus(written):
    assert sorted(written) == sorted(f"SIM-01_{v}_{e}" for v in ("product", "baseline", "D28") for e in ENDINGS)
    rows = [rows["samples"][0] for rows in written.values()]
    table = inputs.SAMPLES.frame(rows)
    assert {(row["role"], row["stimulus"]) for row in table.iter_rows(named=True)} == {
        ("unstimulated", None),
        ("stimulated", "autologous tumour"),
        ("stimulated", "PMA/ionomycin"),
    }
    assert set(table["panel"]) == {"ics"}
    assert table["beads_per_tube"].null_count() == table.height
    # The tubes of one visit were run together.
    assert table.group_by("visit").agg(pl.col("run").n_unique())["run"].to_list() == [1, 1, 1]


def test_each_event_has_its_label_in_its_place(context, written, truth):
    for name in written:
        told = labels(context, name)
        assert told.columns == ["label", "ifn_gamma"]
        assert told.height == EVENTS
        beside = told["label"].is_in(["dead", "debris", "doublet"])
        assert told["ifn_gamma"].is_null().equals(beside.alias("ifn_gamma"))
        counted = (
            told.filter(pl.col("label").is_in(KINDS))
            .group_by("label")
            .agg(cells=pl.len(), positive=pl.col("ifn_gamma").sum())
        )
        of_tube = truth.filter(sample=name).join(counted, left_on="population", right_on="label", how="left")
        assert (of_tube["cells"] == of_tube["cells_right"].fill_null(0)).all()
        assert (of_tube["positive"] == of_tube["positive_right"].fill_null(0)).all()
        light = compensated(context, name)["IFN-gamma"]
        made = told["ifn_gamma"].fill_null(False).to_numpy()
        if made.sum() > 20:
            assert np.median(light[made]) > 10 * np.median(light[~made])


def test_positive_cells_are_as_many_as_the_share_in_the_tube_says(truth):
    assert truth.height == 9 * len(KINDS)
    for row in truth.iter_rows(named=True):
        lower, upper = clopper_pearson(row["positive"], row["cells"], 0.9999)
        assert lower <= row["share_in_tube"] <= upper


def test_without_a_stimulus_there_is_only_background(truth):
    quiet = truth.filter(pl.col("sample").str.ends_with("icsnone"))
    assert quiet["share"].is_between(0.0002, 0.003).all()


def test_the_answer_to_the_tumour_comes_with_the_infusion_and_is_of_cd8_more_than_cd4(truth):
    def answer(visit, kind):
        return share(truth, f"SIM-01_{visit}_icstumor", kind) - share(truth, f"SIM-01_{visit}_icsnone", kind)

    for kind in ("CD4+ T", "CD8+ T"):
        assert 0 < 2 * answer("baseline", kind) < answer("D28", kind)
    assert answer("D28", "CD8+ T") > answer("D28", "CD4+ T")
    assert answer("product", "CD8+ T") > answer("product", "CD4+ T") > 0
    # Cells that are not of clones have the background of their specimen.
    assert answer("D28", "NK") == answer("D28", "DN T") == 0
    for visit in ("product", "baseline", "D28"):
        assert share(truth, f"SIM-01_{visit}_icspma", "CD8+ T") > 0.2


def test_tubes_of_one_specimen_differ_from_its_share(truth):
    factors = truth.with_columns(odds=pl.col("share_in_tube") / (1 - pl.col("share_in_tube")))
    factors = factors.with_columns(factor=pl.col("odds") * (1 - pl.col("share")) / pl.col("share"))
    of_tube = factors.group_by("sample").agg(low=pl.col("factor").min(), high=pl.col("factor").max())
    assert (of_tube["high"] / of_tube["low"] - 1).max() < 1e-9
    assert of_tube["low"].n_unique() == 9
    assert of_tube["low"].is_between(0.4, 2.5).all()


def test_a_stimulus_dims_cd3_and_the_cells_it_sets_off_more(context):
    def median(name, marker, made):
        told = labels(context, name)
        chosen = ((told["label"] == "CD8+ T") & (told["ifn_gamma"] == made)).fill_null(False).to_numpy()
        return np.median(compensated(context, name)[marker][chosen])

    name = "SIM-01_D28_icstumor"
    # 0.7, with what the medians of two looks vary by (0.12 each).
    assert median(name, "CD3", True) / median(name, "CD3", False) == pytest.approx(0.7, rel=0.4)


def test_a_further_tube_changes_no_other(tmp_path, context, written, make_context, samples_by_name):
    alone = make_context(tmp_path, cells=1, ics=Stimulation(visits=["D28"], cells=EVENTS), visits=["D28"])
    for name in ("SIM-01_D28_icsnone", "SIM-01_D28_icstumor"):
        assert write_stimulated(alone, samples_by_name(alone, "flow")[name]) == written[name]
        for place in (f"raw/flow/{name}.fcs", f"truth/flow/{name}.csv.gz"):
            assert (tmp_path / place).read_bytes() == (context.folder / place).read_bytes()


def test_kinds_are_split_by_hand():
    assert split({"CD8+ T": 50.0, "B": 8.0}, {"CD8+ T": 0.1, "NK": 0.5}) == {
        "CD8+ T": 45.0,
        "CD8+ T IFN-gamma+": 5.0,
        "B": 8.0,
    }
