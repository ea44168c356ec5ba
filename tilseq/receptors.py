"""Words of immune receptors that all parts share; it imports nothing heavy, so that commands may use it."""

from __future__ import annotations

from typing import Literal, get_args

Locus = Literal["TRA", "TRB", "TRG", "TRD", "IGH", "IGK", "IGL"]
LOCI: tuple[Locus, ...] = get_args(Locus)

# What makes two rows the same clone.
CLONE = ("locus", "junction")

# The standard genetic code: amino acids of the codons AAA, AAC, AAG, AAT, ACA ... TTT.
GENETIC_CODE = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"

VJ_LOCI = ("TRA", "TRG", "IGK", "IGL")  # chains without a D gene
VDJ_LOCI = ("TRB", "TRD", "IGH")
