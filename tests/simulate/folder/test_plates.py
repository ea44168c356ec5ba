from dataclasses import replace

import flowio
import polars as pl
import pytest

from tilseq.simulate.folder.plates import write_plates
from tilseq.tables.inputs import PLATES
from tilseq.tables.schema import parse

KITS = {"cytokine": "multiplex", "tgfb1": "tgfb1_singleplex"}


@pytest.fixture(scope="module")
def write(make_context, samples_by_name, tmp_path_factory):
    def written(**changes):
        context = make_context(tmp_path_factory.mktemp("plates"), **changes)
        return context, write_plates(context, list(samples_by_name(context, "cytokine").values()))

    return written


@pytest.fixture(scope="module")
def plain(write):
    return write()


def sheet(context, kit="cytokine"):
    name = f"plates/SIM-01_{kit}.csv"
    text = pl.read_csv(context.folder / name, infer_schema_length=0)
    frame, problems = parse(text, PLATES, file=name)
    assert problems == []
    return frame


@pytest.mark.parametrize("kit", KITS)
def test_a_sheet_holds_standards_and_all_plasma_in_duplicate(plain, kit):
    context, _ = plain
    rows = sheet(context, kit)
    assert set(rows["plate"]) == {f"SIM-01_{kit}"}
    assert set(rows["kit"]) == {KITS[kit]}
    assert rows["role"].value_counts().sort("role").rows() == [("blank", 2), ("sample", 6), ("standard", 14)]
    samples = rows.filter(role="sample")
    assert samples["sample"].to_list() == [f"SIM-01_{visit}_{kit}" for visit in ("baseline", "D7", "D28") for _ in "12"]
    assert samples["replicate"].to_list() == ["1", "2"] * 3
    assert rows.filter(role="standard")["nominal_pg_per_ml"].null_count() == 0
    # TGF-beta1 is latent in plasma: it is activated by acid, the standards are not.
    assert set(samples["acid_activated"]) == {kit == "tgfb1"}


def test_samples_stand_in_the_table_without_a_file_of_their_own(plain):
    _, rows = plain
    table = {row["sample"]: row for row in rows["samples"]}
    assert len(table) == 6
    assert {name: row["plate"] for name, row in table.items()} == {
        f"SIM-01_{visit}_{kit}": f"SIM-01_{kit}" for kit in KITS for visit in ("baseline", "D7", "D28")
    }
    assert {row.get("path") for row in table.values()} == {None}
    assert {row["specimen"] for row in table.values()} == {"plasma"}


@pytest.mark.parametrize("kit", KITS)
def test_each_event_of_each_well_has_its_label(plain, read_truth, kit):
    context, rows = plain
    truth = pl.DataFrame(rows["wells"], infer_schema_length=None).filter(plate=f"SIM-01_{kit}")
    for well, path in sheet(context, kit).select("well", "path").iter_rows():
        labels = read_truth(context.folder, f"truth/cytokine/SIM-01_{kit}_{well}.csv.gz")["label"]
        assert flowio.FlowData(str(context.folder / path)).event_count == len(labels)
        single = dict(truth.filter(well=well).select("analyte", "beads").iter_rows())
        counted = dict(labels.value_counts().iter_rows())
        assert {analyte: counted.get(analyte, 0) for analyte in single} == single
        assert set(counted) <= {*single, "doublet", "debris"}
        # 25 of each were asked for, doublets included.
        assert sum(single.values()) == pytest.approx(24 * len(single), abs=6 * (24 * len(single)) ** 0.5)


def test_truth_names_the_plate(plain):
    _, rows = plain
    assert {row["plate"] for table in ("wells", "levels", "curves") for row in rows[table]} == {
        "SIM-01_cytokine",
        "SIM-01_tgfb1",
    }
    wells = pl.DataFrame(rows["wells"], infer_schema_length=None)
    plasma = wells.filter(role="sample").group_by("sample", "analyte").agg(pl.col("plasma_pg_per_ml").n_unique())
    assert set(plasma["plasma_pg_per_ml"]) == {1}
    assert wells.filter(pl.col("role") != "sample")["plasma_pg_per_ml"].count() == 0


def test_interferon_follows_the_infused_cells(plain):
    _, rows = plain
    level = {row["sample"]: row["plasma_pg_per_ml"] for row in rows["wells"] if row["analyte"] == "IFN-gamma"}
    assert level["SIM-01_D7_cytokine"] > 2 * level["SIM-01_baseline_cytokine"]


def test_a_visit_named_last_changes_no_well_before_it(plain, write):
    # The order of the design counts, not that of the days.
    more, rows = write(visits=["baseline", "D7", "D28", "D14"])
    wells = dict(sheet(more).filter(role="sample").select("well", "sample").iter_rows())
    assert [name.split("_")[1] for name in list(wells.values())[::2]] == ["baseline", "D7", "D28", "D14"]
    folder = plain[0].folder
    kept = [path.relative_to(folder) for path in (folder / "raw" / "cytokine").iterdir()]
    assert len(kept) == 44
    for path in kept:
        assert (more.folder / path).read_bytes() == (folder / path).read_bytes()
    assert [row for row in rows["wells"] if row in plain[1]["wells"]] == plain[1]["wells"]


def test_a_wanted_number_of_beads_is_in_the_wells(write):
    few, many = (sum(row["beads"] for row in write(beads=beads)[1]["wells"]) for beads in (10, 40))
    assert many == pytest.approx(4 * few, rel=0.1)


def test_two_visits_of_one_day_are_one_plasma(make_context, samples_by_name, tmp_path):
    context = make_context(tmp_path, visits=["D7", "D8"])
    samples = [replace(sample, day=8) for sample in samples_by_name(context, "cytokine").values()]
    rows = write_plates(context, samples)
    plasma = {}
    for row in rows["wells"]:
        if row["role"] == "sample":
            plasma.setdefault((row["plate"], row["analyte"]), set()).add(row["plasma_pg_per_ml"])
    assert {len(levels) for levels in plasma.values()} == {1}
    assert {row["sample"] for row in rows["wells"]} - {None} == {sample.name for sample in samples}


def test_without_plasma_there_is_no_plate(make_context, tmp_path):
    rows = write_plates(make_context(tmp_path), [])
    assert not any(rows.values())
    assert list(tmp_path.iterdir()) == []
