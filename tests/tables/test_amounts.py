import pytest

from tilseq.tables.amounts import odd_amounts


@pytest.mark.parametrize(
    ("beads", "volume", "told"),
    [
        (50_000.0, 50.0, []),
        (1_000.0, 5.0, []),
        (1e6, 5_000.0, []),
        (None, None, []),
        (50.0, None, ["beads_per_tube 50 (usually 1,000 to 1,000,000)"]),
        (
            5e7,
            0.05,
            ["beads_per_tube 50,000,000 (usually 1,000 to 1,000,000)", "sample_volume_ul 0.05 (usually 5 to 5,000)"],
        ),
        (50_000.0, 50_000.0, ["sample_volume_ul 50,000 (usually 5 to 5,000)"]),
    ],
)
def test_amounts_that_hardly_any_tube_holds(beads, volume, told):
    """Thousands of beads, mL and nL are told; what a tube of one of the makers holds is not."""
    assert odd_amounts({"beads_per_tube": beads, "sample_volume_ul": volume}) == told
