"""Words of immune receptors that all parts share; it imports nothing heavy, so that commands may use it."""

from __future__ import annotations

from typing import Literal, get_args

Locus = Literal["TRA", "TRB", "TRG", "TRD", "IGH", "IGK", "IGL"]
LOCI: tuple[Locus, ...] = get_args(Locus)

# What makes two rows the same clone.
CLONE = ("locus", "junction")
