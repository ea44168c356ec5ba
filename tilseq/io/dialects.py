"""What each program calls the columns of a clonotype table. One record a dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

CountOf = Literal["cells", "umis", "reads", "templates", "unknown"]


@dataclass(frozen=True)
class Dialect:
    """How one program writes clonotypes.

    Attributes
    ----------
    name
        What the dialect is called.
    needed, optional
        Our column to the headers that may stand for it, in any case of letters.
    counts
        Headers of the count, the preferred first, and what each counts. Empty where rows are cells' contigs.
    mistaken
        A column that may be missing to a header that looks like it and is not it, and why.
    """

    name: str
    needed: Mapping[str, tuple[str, ...]]
    optional: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, CountOf]
    mistaken: Mapping[str, tuple[str, str]]

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Needed and optional columns."""
        return {**self.needed, **self.optional}


AIRR = Dialect(
    "AIRR rearrangement",
    needed={name: (name,) for name in ("v_call", "j_call", "junction", "junction_aa")},
    optional={name: (name,) for name in ("locus", "productive", "cell_id")},
    counts={"umi_count": "umis", "duplicate_count": "unknown"},
    mistaken={
        "duplicate_count": ("consensus_count", "consensus_count is the reads behind a consensus, not a clone's size"),
        "junction": ("cdr3", "cdr3 lacks the conserved C and F/W of a junction"),
        "junction_aa": ("cdr3_aa", "cdr3_aa lacks the conserved C and F/W of a junction_aa"),
    },
)
TENX = Dialect(
    "10x contig annotations",
    needed={
        "locus": ("chain",),
        "v_call": ("v_gene",),
        "j_call": ("j_gene",),
        "junction": ("cdr3_nt",),
        "junction_aa": ("cdr3",),
        "productive": ("productive",),
        "barcode": ("barcode",),
        "is_cell": ("is_cell",),
        "high_confidence": ("high_confidence",),
    },
    optional={},
    counts={},
    mistaken={},
)
VDJTOOLS = Dialect(
    "VDJtools",
    needed={"v_call": ("v",), "j_call": ("j",), "junction": ("cdr3nt",), "junction_aa": ("cdr3aa",)},
    optional={"frequency": ("freq", "frequency")},
    counts={"#count": "unknown", "count": "unknown"},
    mistaken={},
)
DIALECTS = {"airr": AIRR, "10x": TENX, "vdjtools": VDJTOOLS}
