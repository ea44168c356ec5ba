"""Clones that Minervina et al. publish as contracting, in two replicates; the expected numbers are R's."""

import pytest

from benchmarks.published_change import REPLICATES, Libraries

# tests/oracles/published_change.R: clones, called in F1, in F2, alike in both, called in the sum of both
AS_R = {"M": (616, 546, 418, 424, 615), "W": (295, 265, 199, 213, 295)}


@pytest.mark.parametrize("donor", AS_R)
def test_published_contracting_clones_contract(shared_data, donor):
    if not (shared_data / "tcr" / "minervina_Table_S3.tsv").exists():
        pytest.skip("no tables of Minervina et al.")
    libraries = Libraries(shared_data, "S3", donor)
    one, two = (libraries.calls(15, 85, (replicate,), 0) for replicate in REPLICATES)
    called = [(found["call"] == "contracted").to_numpy() for found in (one, two)]
    *by_replicate, in_both = AS_R[donor]
    assert [len(one), called[0].sum(), called[1].sum(), (called[0] == called[1]).sum()] == by_replicate
    assert (libraries.calls(15, 85, REPLICATES, 0)["call"] == "contracted").sum() == in_both
    # None of them expands, nor with the over-dispersion of the replicates.
    together = libraries.calls(15, 85, REPLICATES, libraries.overdispersion())
    assert not {"expanded"} & {*one["call"], *two["call"], *together["call"]}
