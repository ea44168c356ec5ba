"""Words of immune receptors that all parts share; it imports nothing heavy, so that commands may use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Locus = Literal["TRA", "TRB", "TRG", "TRD", "IGH", "IGK", "IGL"]
LOCI: tuple[Locus, ...] = get_args(Locus)

# What makes two rows the same clone.
CLONE = ("locus", "junction")

GENES: Mapping[str, str] = {"v": "v_call", "j": "j_call"}
KEYS: Mapping[str, tuple[str, ...]] = {
    "+".join((junction, *genes)): (junction, *(GENES[gene] for gene in genes))
    for junction in ("junction", "junction_aa")
    for genes in ((), ("v",), ("j",), ("v", "j"))
}
"""Name of a clonotype key → columns that must be equal, beside the locus."""

# The standard genetic code: amino acids of the codons AAA, AAC, AAG, AAT, ACA ... TTT.
GENETIC_CODE = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"

VJ_LOCI = ("TRA", "TRG", "IGK", "IGL")  # chains without a D gene
VDJ_LOCI = ("TRB", "TRD", "IGH")
