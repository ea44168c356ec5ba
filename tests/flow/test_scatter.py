import numpy as np

from tilseq.flow.scatter import singlets

RANDOM = np.random.default_rng(4)
AREA = RANDOM.lognormal(11, 0.3, 3000).astype(np.float32)
SINGLE_HEIGHT = (AREA * RANDOM.normal(0.9, 0.02, 3000)).astype(np.float32)


def test_doublets_leave_and_single_cells_stay() -> None:
    area = np.concatenate([AREA, AREA[:300] * 2])
    height = np.concatenate([SINGLE_HEIGHT, SINGLE_HEIGHT[:300]])
    kept, _ = singlets(area, height)
    assert kept[:3000].mean() > 0.995
    assert kept[3000:].mean() < 0.01


def test_a_bend_of_the_line_is_followed() -> None:
    height = (AREA**0.8 * np.random.default_rng(7).normal(5, 0.1, 3000)).astype(np.float32)
    assert singlets(AREA, height)[0].mean() > 0.99


def test_without_a_positive_value_an_event_is_no_cell() -> None:
    area, height = AREA.copy(), SINGLE_HEIGHT.copy()
    area[0], height[1] = -5, 0
    assert singlets(area, height)[0][:3].tolist() == [False, False, True]


def test_a_line_without_spread_keeps_its_events() -> None:
    assert singlets(AREA, AREA)[0].all()


def test_too_few_events_to_tell_are_all_kept() -> None:
    kept, beside = singlets(AREA[:5], SINGLE_HEIGHT[:5][::-1].copy())
    assert kept.all()
    assert beside == (0, 0)


def test_events_beside_the_band_are_told() -> None:
    """Heights are 0.9 of areas, ± 2 %: the band is some 10 % wide on each side, and twice as much 20 %."""
    area = np.concatenate([AREA, AREA[:30], AREA[:20], AREA[:8], [-1, 5]]).astype(np.float32)
    own = [SINGLE_HEIGHT, 0.9 * 0.85 * AREA[:30], 0.9 * 0.7 * AREA[:20], 0.9 * 1.2 * AREA[:8], [4, -1]]
    kept, beside = singlets(area, np.concatenate(own).astype(np.float32))
    assert kept[:3000].all() and not kept[3000:].any()
    assert beside == (30, 8)
