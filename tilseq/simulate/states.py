"""The words that the layers of the simulator share: states of T cells and kinds of blood cells."""

from __future__ import annotations

LINEAGES = ("CD4", "CD8")
# From the least to the most differentiated. Infused cells are of the states after the first.
STATES = (
    "naive",
    "stem_like_memory",
    "central_memory",
    "effector",
    "exhausted_progenitor",
    "exhausted_terminal",
)
OTHER_CELLS = ("B", "NK", "monocyte")  # granulocytes come with the laboratory values
