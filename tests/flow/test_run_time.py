from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.flow.run_time import share_of_time


def tube(ticks, name="Time"):
    return SimpleNamespace(events=np.array(ticks, dtype=np.float32)[:, None], channels=[name])


@pytest.mark.parametrize(
    ("ticks", "kept", "share"),
    [
        ([0, 1, 2, 3, 4], [1, 1, 1, 1, 1], 1.0),
        # Two of four seconds lie between kept events, half a second on each side of the one left out.
        ([0, 1, 2, 3, 4], [1, 1, 0, 1, 1], 0.75),
        # A slow stretch: three events of eight seconds left out of ten, and half of the second after it.
        ([0, 4, 8, 9, 10], [0, 0, 0, 1, 1], 0.15),
        # The clock begins anew: two runs of ten seconds, of which the second is left out.
        ([0, 5, 10, 0, 5, 10], [1, 1, 1, 0, 0, 0], 0.5),
        ([0, np.nan, 5, 10], [1, 0, 1, 1], 1.0),
    ],
)
def test_the_share_is_of_time_not_of_events(ticks, kept, share):
    assert share_of_time(tube(ticks), np.array(kept, dtype=bool)) == pytest.approx(share)


@pytest.mark.parametrize("one", [tube([1, 2, 3, 4], "FSC-A"), tube([7, 7, 7, 7])], ids=["no clock", "stands still"])
def test_without_a_clock_events_stand_for_time(one):
    assert share_of_time(one, np.array([True, True, True, False])) == 0.75
