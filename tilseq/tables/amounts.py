"""Amounts of a flow tube that can hardly be, which a lost unit gives: thousands of beads, mL or nL for µL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Beads in tubes or drops of the makers are some 50,000 (BD Trucount, CountBright) to 100,000 (Flow-Count); a person
# adds a fiftieth or ten times that. A stained volume is 20 to 200 µL, of rare cells some mL, as much as a tube holds.
USUAL_AMOUNTS = {"beads_per_tube": (1_000.0, 1_000_000.0), "sample_volume_ul": (5.0, 5_000.0)}


def odd_amounts(amounts: Mapping[str, Any]) -> list[str]:
    """Return in words the amounts that hardly any tube holds, such as ``beads_per_tube 50,000,000``.

    >>> odd_amounts({"beads_per_tube": 5e7, "sample_volume_ul": 50.0})
    ['beads_per_tube 50,000,000 (usually 1,000 to 1,000,000)']
    """
    return [
        f"{name} {amounts[name]:,.10g} (usually {least:,g} to {most:,.10g})"
        for name, (least, most) in USUAL_AMOUNTS.items()
        if amounts[name] is not None and not least <= amounts[name] <= most
    ]
