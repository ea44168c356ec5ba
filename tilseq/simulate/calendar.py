"""The calendar of the treatment that all layers share: days after the infusion, which is on day 0."""

from __future__ import annotations

ENROLLMENT_DAY = -60  # the first day that is simulated
HARVEST_DAY = -45
BASELINE_DAY = -10
LYMPHODEPLETION_DAY = -7
MOST_IL2_DOSES, IL2_LAST_DAY = 6, 4  # the first dose on day 0; the last of so many, some put off, on that day


def il2_days(doses: int) -> list[float]:
    """Return when doses of IL-2 are given, in days; evenly, and the sooner done the fewer they are.

    Parameters
    ----------
    doses
        How many a subject gets.
    """
    return [number * IL2_LAST_DAY / (MOST_IL2_DOSES - 1) for number in range(doses)]
