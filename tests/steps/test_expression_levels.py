from tilseq.steps.expression_levels import levels_with_both, over_visits, with_levels


def row(subject, visit, day, specimen="blood", status=None):
    return {"subject": subject, "visit": visit, "day": day, "specimen": specimen, "status": status}


def both(*visits):
    return with_levels([row(subject, *visit) for subject in ("S1", "S2") for visit in visits])


def test_a_level_is_the_visit_with_the_specimen_where_a_visit_has_several():
    rows = [row("S1", "harvest", -40, "tumor"), row("S1", "harvest", -40), row("S1", "D28", 28), row("S1", None, 3)]
    assert [one["level"] for one in with_levels(rows)] == ["harvest tumor", "harvest blood", "D28", "blood"]


def test_marks_that_contrasts_are_written_with_do_not_stand_in_levels():
    assert with_levels([row("S1", "C1/D1: pre*", 1)])[0]["level"] == "C1_D1_ pre_"


def test_timing_and_lesion_part_the_samples_of_a_visit_and_lots_do_not():
    rows = [
        row("S1", "D0", 0) | {"timing": "pre"},
        row("S1", "D0", 0) | {"timing": "post"},
        row("S1", "harvest", -40, "tumor") | {"lesion": "L1"},
        row("S1", "harvest", -40, "tumor") | {"lesion": "L2"},
        row("S1", "product", -1, "infusion_product") | {"lot": "A"},
        row("S1", "product", -1, "infusion_product") | {"lot": "B"},
    ]
    assert [one["level"] for one in with_levels(rows)] == [
        "D0 pre", "D0 post", "harvest L1", "harvest L2", "product", "product",
    ]  # fmt: skip


def test_the_tumors_of_subjects_are_of_one_level_though_lesions_have_other_names():
    rows = [
        one
        for subject, lesion in (("S1", "skin"), ("S2", "lung"), ("S3", None))
        for one in (
            row(subject, "harvest", -40, "tumor") | {"lesion": lesion},
            row(subject, "product", -1, "infusion_product"),
        )
    ]
    assert {one["level"] for one in with_levels(rows)} == {"harvest", "product"}
    assert over_visits(with_levels(rows), {}) == ["visit:harvest/product"]


def test_visits_that_differ_in_marks_alone_stay_apart():
    assert [one["level"] for one in with_levels([row("S1", "V/1", 1), row("S1", "V:1", 2)])] == ["V_1", "V_1 (2)"]


def test_each_level_is_compared_with_the_product_then_product_and_blood_with_the_baseline():
    rows = both(
        ("D28", 28), ("product", -1, "infusion_product"), ("baseline", -10), ("D7", 7), ("harvest", -45, "tumor")
    )
    assert over_visits(rows, {"S1": -7, "S2": -7}) == [
        "visit:harvest/product",
        "visit:baseline/product",
        "visit:D7/product",
        "visit:D28/product",
        "visit:D7/baseline",
        "visit:D28/baseline",
    ]


def test_the_baseline_is_the_last_blood_before_lymphodepletion_or_before_day_0():
    rows = both(("screening", -30), ("conditioned", -3), ("D28", 28))
    assert over_visits(rows, {"S1": -7, "S2": -7}) == ["visit:conditioned/screening", "visit:D28/screening"]
    assert over_visits(rows, {"S1": None}) == ["visit:screening/conditioned", "visit:D28/conditioned"]


def test_a_comparison_that_one_subject_alone_could_make_is_none():
    rows = with_levels([row("S1", "product", -1, "infusion_product"), row("S1", "D28", 28), row("S2", "D28", 28)])
    assert over_visits(rows, {}) == []


def test_labels_are_compared_where_two_subjects_have_cells_of_both():
    rows = with_levels(
        [row(s, "D28", 28, status=status) for s in ("S1", "S2") for status in ("infused", "not_seen_in_product")]
        + [row(s, "D7", 7, status="infused") for s in ("S1", "S2")]
        + [row("S1", "D7", 7, status="not_seen_in_product")]
    )
    assert levels_with_both(rows) == ["D28"]
