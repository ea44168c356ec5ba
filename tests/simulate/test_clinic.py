import pytest

from tilseq.simulate.clinic import Lesion, TumorKinetics, draw_lesions, recorded_responses, scan
from tilseq.simulate.streams import stream


def rows(*diameters, new=False):
    found = [{"role": "target", "diameter_mm": mm} for mm in diameters]
    return [*found, {"role": "new"}] if new else found


@pytest.mark.parametrize(
    ("later", "response"),
    [
        ({28: rows(40, 30)}, ["PR"]),  # 70 of 100
        ({28: rows(40, 31)}, ["SD"]),
        ({28: rows(70, 50)}, ["PD"]),  # 120 of 100
        ({28: rows(70, 49)}, ["SD"]),
        ({28: rows(10, 10), 84: rows(14, 10)}, ["PR", "PR"]),  # 20 % above the nadir, but only 4 mm
        ({28: rows(10, 10), 84: rows(15, 10)}, ["PR", "PD"]),
        ({28: rows(40, 30, new=True)}, ["PD"]),
    ],
)
def test_the_investigator_follows_recist(later, response):
    assert list(recorded_responses({-10: rows(60, 40), **later}).values()) == response


def test_a_diameter_by_hand():
    # 30 (exp(-0.012 * 38) + exp(0.0008 * 38) - 1)
    lesion = Lesion("T1", "target", "lung", False, 30.0, 0.012, 0.0008)
    assert lesion.diameter_mm(38) == pytest.approx(19.940, abs=0.001)
    assert lesion.diameter_mm(0) == 30.0


def test_a_scan_measures_targets_only_and_never_below_5_mm():
    lesions = [
        Lesion("T1", "target", "lung", False, 30.4, 0.1, 0.0),
        Lesion("NT1", "nontarget", "liver", False, 12.0, 0.1, 0.0),
    ]
    first, last = scan(lesions, -10, -10, 84), scan(lesions, 84, -10, 84)
    assert [row.get("diameter_mm") for row in first] == [30, None]
    assert [row.get("diameter_mm") for row in last] == [5, None, None]
    assert [row["lesion"] for row in last] == ["T1", "NT1", "N1"]


def test_lesions_can_be_measured_at_baseline():
    for seed in range(50):
        lesions = draw_lesions(stream(seed), TumorKinetics(0.01, 0.001))
        targets = [lesion for lesion in lesions if lesion.role == "target"]
        assert 2 <= len(targets) <= 4
        assert [lesion.role for lesion in lesions][-1] == "nontarget"
        assert len({lesion.site for lesion in lesions}) == len(lesions)
        assert all(lesion.baseline_mm >= 15 for lesion in targets)
