"""Whether lymphocytes per µL of blood can be: what blood holds, and what the blood count of the day says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilseq.flow.absolute import AbsoluteCount, without_value
from tilseq.flow.quality import check

CHECK = "lymphocytes per µL"
MOST_PER_UL = 80_000.0  # above it no blood count is taken for one of lymphocytes either
MOST_TIMES, TOO_MANY_TIMES = 3.0, 10.0
# Below this, where lymphopenia is of grade 4 by the CTCAE, counts are not told apart: counters err there, and often
# write a tenth of 10^9/L as their last digit.
TOLD_FROM = 200.0
LIMIT = f"at most {MOST_TIMES:g} times apart; fails from {TOO_MANY_TIMES:g} times and above {MOST_PER_UL:g}/µL"
MEND = "check beads_per_tube, sample_volume_ul, dilution or $VOL"
TOO_MANY = "more lymphocytes than blood holds"

Counted = tuple[dict[str, AbsoluteCount], list[dict[str, Any]]]


def hold_against_blood(sample: str, counted: Mapping[str, AbsoluteCount], blood_count: float | None) -> Counted:
    """Hold cells/µL of a tube of blood against what blood can hold and the blood count of the day.

    Blood of more than 80,000 lymphocytes/µL is hardly any, as of a blood count. Counters differ by an eighth and
    lymphocytes change by as much within a day (see docs/flow.md, Limits), so that a threefold difference is of a
    number of beads, a volume, a unit, or a tube of somebody else. What the limits of the tube's number allow is no
    difference, and all below 200/µL is alike. Where lymphocytes have no number T cells stand for them: more of these
    than of lymphocytes cannot be, fewer can.

    Parameters
    ----------
    sample
        Name of the tube.
    counted
        Population → its cells per µL of blood, by beads or volume.
    blood_count
        Lymphocytes/µL by the blood count of the day; None where there is none.

    Returns
    -------
    tuple
        The counts, without their numbers where blood cannot hold them, and a row of the table `quality`, which warns
        from 3 times and fails from 10 times; none where no number can be held against anything.
    """
    name = next((name for name in ("lymphocytes", "CD3+") if name in counted and counted[name].value is not None), None)
    if name is None:
        return dict(counted), []
    value, lower, upper, method, *_ = counted[name]
    told = f"{name} are {_plain(value or 0.0)}/µL by {method}"
    if (lower or 0.0) > MOST_PER_UL:
        none = {one: without_value(count, f"{TOO_MANY}: {MEND}") for one, count in counted.items()}
        return none, [check(sample, CHECK, value, LIMIT, False, f"{told}, {TOO_MANY}: {MEND}", worst="fail")]
    if blood_count is None:
        return dict(counted), []
    usual = max(blood_count, TOLD_FROM)
    more, fewer = max(lower or 0.0, TOLD_FROM) / usual, usual / max(upper or 0.0, TOLD_FROM)
    times = max(more, fewer) if name == "lymphocytes" else more
    fine = times < MOST_TIMES
    reason = f"{told}, lymphocytes {_plain(blood_count)}/µL by the blood count of the day"
    if not fine:
        reason += f", {times:.3g} times as {'many' if more > fewer else 'few'} at least: {MEND}, and the blood count"
    return dict(counted), [
        check(sample, CHECK, value, LIMIT, fine, reason, worst="fail" if times >= TOO_MANY_TIMES else "warn")
    ]


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
