"""Where clones come from: one colour an origin, the same in every figure."""

from __future__ import annotations

from tilseq.plots.style import MUTED, PALETTE

BLUE, VERMILION, GREEN, PINK, _, ORANGE = PALETTE[:6]
# Origin → its colour and its words; in the order of the legend.
ORIGINS = {
    "infused_only": (VERMILION, "infused, not in blood before"),
    "infused_and_preexisting": (ORANGE, "infused, and in blood before"),
    "preexisting_only": (BLUE, "in blood before, not infused"),
    "emergent": (PINK, "emergent"),
    "tumor_resident": (GREEN, "tumour, not infused"),
    "indeterminate": (MUTED, "cannot be told"),
}
