from types import SimpleNamespace

import numpy as np
import pytest

from tilseq.flow.run_time import time_kept


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
    assert time_kept(tube(ticks), np.array(kept, dtype=bool)).kept == pytest.approx(share)


@pytest.mark.parametrize("one", [tube([1, 2, 3, 4], "FSC-A"), tube([7, 7, 7, 7])], ids=["no clock", "stands still"])
def test_without_a_clock_events_stand_for_time(one):
    assert time_kept(one, np.array([True, True, True, False])) == (0.75, 0.0, 0)


def test_a_pause_takes_no_volume():
    """200 events, one a second; 100 s without any after the first 100; the last 50 are left out."""
    ticks = np.append(np.arange(100), np.arange(200, 300))
    kept = np.arange(200) < 150
    found = time_kept(tube(ticks), kept)
    # 99 s before the pause, 99 behind it, of which 49.5 s lie behind the last that is kept.
    assert found.kept == pytest.approx((99 + 49.5) / 198)
    assert found.paused == pytest.approx(101 / 299)
    assert time_kept(tube(np.arange(200)), kept).paused == 0


@pytest.mark.parametrize("stray", [300, 1000, 1e9, 0])
def test_a_stray_last_stamp_takes_no_volume(stray):
    kept = np.arange(201) >= 50
    assert time_kept(tube([*range(200), stray]), kept) == (pytest.approx(149.5 / 199), 0.0, 1)
