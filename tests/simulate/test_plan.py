from dataclasses import replace

import pytest

from tilseq.simulate.clinic.followup import Fate
from tilseq.simulate.design import BLOOD_VISITS, Design, Stimulation
from tilseq.simulate.plan import samples_of, true_day, true_days
from tilseq.simulate.subjects import draw_subject

DESIGN = Design(visits=["baseline", "D0", "D7", "D28", "D84", "D180"], memory_clones=300)


@pytest.fixture(scope="module")
def drawn():
    """Return a function that gives a subject who is seen up to a day."""
    whole = {number: draw_subject(number, DESIGN) for number in (1, 2)}

    def until(number, last_day=400):
        subject = replace(whole[number])
        vars(subject)["fate"] = Fate(None, None, False, last_day, 400, None)
        return subject

    return until


def names(samples):
    return [sample.name for sample in samples]


def test_the_samples_of_a_subject_with_one_lot(drawn):
    assert names(samples_of(DESIGN, drawn(1))) == [
        *("SIM-01_harvest_tcr", "SIM-01_harvest_bcr", "SIM-01_harvest_sc", "SIM-01_harvest_rna"),
        *("SIM-01_product_flow", "SIM-01_product_tstate", "SIM-01_product_icsnone", "SIM-01_product_icstumor"),
        *("SIM-01_product_tcr", "SIM-01_product_sc", "SIM-01_product_rna"),
        *("SIM-01_baseline_flow", "SIM-01_baseline_tstate", "SIM-01_baseline_icsnone", "SIM-01_baseline_icstumor"),
        *("SIM-01_baseline_tcr", "SIM-01_baseline_bcr"),
        *("SIM-01_baseline_cytokine", "SIM-01_baseline_tgfb1", "SIM-01_baseline_rna"),
        *("SIM-01_D0_flow", "SIM-01_D0_tcr", "SIM-01_D0_cytokine", "SIM-01_D0_tgfb1"),
        *("SIM-01_D7_flow", "SIM-01_D7_tcr", "SIM-01_D7_cytokine", "SIM-01_D7_tgfb1"),
        *("SIM-01_D28_flow", "SIM-01_D28_tstate", "SIM-01_D28_icsnone", "SIM-01_D28_icstumor"),
        *("SIM-01_D28_tcr", "SIM-01_D28_cytokine", "SIM-01_D28_tgfb1", "SIM-01_D28_sc", "SIM-01_D28_rna"),
        *("SIM-01_D84_flow", "SIM-01_D84_tstate", "SIM-01_D84_icsnone", "SIM-01_D84_icstumor"),
        *("SIM-01_D84_tcr", "SIM-01_D84_bcr", "SIM-01_D84_cytokine", "SIM-01_D84_tgfb1", "SIM-01_D84_rna"),
        *("SIM-01_D180_flow", "SIM-01_D180_tstate", "SIM-01_D180_tcr", "SIM-01_D180_bcr", "SIM-01_D180_cytokine"),
        *("SIM-01_D180_tgfb1", "SIM-01_D180_rna"),
    ]


def test_each_lot_is_sampled(drawn):
    products = [sample for sample in samples_of(DESIGN, drawn(2)) if sample.specimen == "infusion_product"]
    assert names(products) == [
        *("SIM-02_productA_flow", "SIM-02_productA_tstate", "SIM-02_productA_icsnone", "SIM-02_productA_icstumor"),
        *("SIM-02_productA_tcr", "SIM-02_productA_sc", "SIM-02_productA_rna"),
        *("SIM-02_productB_flow", "SIM-02_productB_tstate", "SIM-02_productB_icsnone", "SIM-02_productB_icstumor"),
        *("SIM-02_productB_tcr", "SIM-02_productB_sc", "SIM-02_productB_rna"),
    ]
    assert [sample.lot for sample in products] == ["LOT-02A"] * 7 + ["LOT-02B"] * 7
    assert {sample.visit for sample in products} == {"product"}
    assert {sample.drawn for sample in products} == {"SIM-02_product_LOT-02A", "SIM-02_product_LOT-02B"}
    rest = [sample.lot for sample in samples_of(DESIGN, drawn(2)) if sample.specimen != "infusion_product"]
    assert set(rest) == {None}


def test_only_the_assays_of_the_design_are_planned(drawn):
    few = DESIGN.model_copy(update={"assays": ["bcr", "clinic"]})
    assert names(samples_of(few, drawn(1))) == [
        "SIM-01_harvest_bcr", "SIM-01_baseline_bcr", "SIM-01_D84_bcr", "SIM-01_D180_bcr",
    ]  # fmt: skip


def test_nothing_is_taken_after_the_subject_was_last_seen(drawn):
    whole = samples_of(DESIGN, drawn(1))
    day = true_day(drawn(1), "D84")
    assert [s for s in whole if s.day <= day] == samples_of(DESIGN, drawn(1, day))
    assert [s for s in whole if s.day < day] == samples_of(DESIGN, drawn(1, day - 1))
    assert {s.visit for s in samples_of(DESIGN, drawn(1, 0))} == {"harvest", "product", "baseline", "D0"}


def test_a_further_visit_changes_no_other_sample(drawn):
    more = DESIGN.model_copy(update={"visits": ["D14", *DESIGN.visits, "D400"]})
    for number in (1, 2):
        rows = [sample.row() for sample in samples_of(DESIGN, drawn(number, 500))]
        further = [sample.row() for sample in samples_of(more, drawn(number, 500))]
        assert [row for row in further if row["visit"] not in ("D14", "D400")] == rows
        assert len(further) > len(rows)
        days = [row["day"] for row in further if row["specimen"] == "blood"]
        assert days == sorted(days)


def test_replicates_are_of_one_specimen(drawn):
    design = DESIGN.model_copy(update={"assays": ["tcr"], "replicates": 3, "visits": ["D7"]})
    samples = [sample for sample in samples_of(design, drawn(1)) if sample.visit == "D7"]
    assert names(samples) == ["SIM-01_D7_tcr1", "SIM-01_D7_tcr2", "SIM-01_D7_tcr3"]
    assert [sample.row()["replicate"] for sample in samples] == ["1", "2", "3"]
    assert {sample.row()["specimen_id"] for sample in samples} == {"SIM-01_D7"}


def test_a_row_is_that_of_the_table(drawn):
    rows = {sample.name: sample.row(path="x", comment=None) for sample in samples_of(DESIGN, drawn(1))}
    assert rows["SIM-01_D0_flow"] == {
        "sample": "SIM-01_D0_flow",
        "subject": "SIM-01",
        "visit": "D0",
        "day": 0,
        "specimen": "blood",
        "specimen_id": "SIM-01_D0",
        "assay": "flow",
        "lot": None,
        "replicate": None,
        "panel": "tbnk",
        "role": "sample",
        "stimulus": None,
        "timing": "post",
        "path": "x",
        "comment": None,
    }
    timed = {row["visit"]: row["timing"] for row in rows.values()}
    assert {visit for visit, timing in timed.items() if timing} == {"D0"}
    assert {row["specimen"] for row in rows.values() if row["assay"] == "cytokine"} == {"plasma"}
    assert {row["specimen"] for row in rows.values()} == {"tumor", "infusion_product", "blood", "plasma"}
    assert {name.split("_")[-1]: row["panel"] for name, row in rows.items() if row["assay"] == "flow"} == {
        "flow": "tbnk",
        "tstate": "t_state",
        "icsnone": "ics",
        "icstumor": "ics",
    }


def test_cells_are_stimulated_where_the_design_says(drawn):
    ics = Stimulation(
        subjects=["SIM-02"], visits=["product", "D7", "D14"], stimuli=["PMA/ionomycin", "autologous tumour"]
    )
    design = DESIGN.model_copy(update={"assays": ["ics"], "ics": ics})
    assert samples_of(design, drawn(1)) == []
    rows = [sample.row() for sample in samples_of(design, drawn(2))]
    assert [(row["sample"], row["role"], row["stimulus"]) for row in rows] == [
        (f"SIM-02_{where}_{name}", role, stimulus)
        for where in ("productA", "productB", "D7")
        for name, role, stimulus in (
            ("icsnone", "unstimulated", None),
            ("icspma", "stimulated", "PMA/ionomycin"),
            ("icstumor", "stimulated", "autologous tumour"),
        )
    ]
    assert {row["assay"] for row in rows} == {"flow"}


def test_blood_is_drawn_within_the_window_of_the_visit(drawn):
    off = {}
    for seed in range(30):
        subject = replace(drawn(1), seed=seed)
        for visit, (day, slack) in BLOOD_VISITS.items():
            found = true_day(subject, visit) - day
            assert abs(found) <= (slack if day > 0 else 0)
            off.setdefault(visit, []).append(found)
    assert set(off["D7"]) == {-2, -1, 0, 1, 2}
    assert off["D7"] != off["D14"]  # each visit by itself
    assert set(off["baseline"]) == set(off["D0"]) == {0}
    assert true_days(DESIGN, drawn(1)) == [true_day(drawn(1), visit) for visit in DESIGN.visits]
