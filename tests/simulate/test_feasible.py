import pytest

from tilseq.errors import RunError
from tilseq.simulate.design import BatchShift, Confounders, Design
from tilseq.simulate.feasible import check


def design(**chosen):
    return Design(**{"subjects": 2, "memory_clones": 200, "assays": ["tcr"], "visits": ["baseline", "D7"]} | chosen)


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"confounders": ["batch_shift"]}, "needs the assay flow"),
        ({"assays": ["flow"], "confounders": ["depth_by_visit"]}, "needs the assay tcr"),
        ({"subjects": 1, "confounders": ["public_clone"]}, "needs other subjects"),
        ({"depth": 50, "confounders": {"failed_library": {"sample": "SIM-01_D7_tcr"}}}, "fewer than the 50"),
        (
            {"confounders": {"index_hopping": {"source": "SIM-01_D7_tcr", "into": "SIM-02_baseline_tcr"}}},
            "of one run: of one visit",
        ),
        ({"confounders": ["swapped_pair"]}, "found 'SIM-03_D7_tcr'; the trial has 2 subjects"),
        ({"ics": {"subjects": ["SIM-1"]}}, "found 'SIM-1'; did you mean 'SIM-01'"),
        ({"ics": {"subjects": ["SIM-02", "S17"]}}, "found 'S17'; name another subject"),
        ({"cells_per_template": 1.4}, "expected at least 1.5"),
        ({"depth": 10_000, "cells_per_template": 10_000.0}, "expected below 1e\\+08"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(chosen, told):
    with pytest.raises(RunError, match=told):
        check(design(**chosen))


def test_a_shift_of_a_run_that_nobody_lived_to_is_refused():
    # This subject dies on day 1.
    trial = design(subjects=141, seed=11, memory_clones=2000, assays=["flow"], visits=["baseline", "D7"])
    shifts = {visit: BatchShift(subject="SIM-141", visit=visit) for visit in trial.visits}
    late, early = (
        trial.model_copy(update={"confounders": Confounders(batch_shift=shifts[visit])}) for visit in ("D7", "baseline")
    )
    with pytest.raises(RunError) as refused:
        check(late)
    assert str(refused.value) == (
        "the confounder batch_shift would change no tube of SIM-141; found 'D7'; "
        "SIM-141, last seen on day 0, has tubes of product, baseline; name another visit in the design"
    )
    check(early)


def test_a_sample_that_is_not_taken_is_told_with_those_that_are():
    with pytest.raises(RunError) as refused:
        check(design(confounders={"failed_library": {"sample": "SIM-01_D8_tcr"}}))
    said = str(refused.value)
    assert "did you mean 'SIM-01_D7_tcr'?" in said
    assert "SIM-01, last seen on day " in said
    assert "has SIM-01_harvest_tcr, SIM-01_product_tcr, SIM-01_baseline_tcr, SIM-01_D7_tcr; name another sample" in said


@pytest.mark.parametrize("flavor", ["gdna", "umi", "reads"])
def test_what_can_be_carried_out_passes(flavor):
    check(design(flavor=flavor, confounders=["depth_by_visit", "clone_in_baseline", "public_clone"]))
