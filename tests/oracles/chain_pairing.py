"""Calls and clonotypes of scirpy 0.25.1: literal values of test_chains.py and test_paired_clones.py.

In an environment of its own: python tests/oracles/chain_pairing.py FILE...
Of each file, and of 600 odd cells, cells and the SHA-256 of their sorted lines `cell, receptor_type, receptor_subtype,
chain_pairing`, and the cells of each pairing; then clonotypes by both nucleotide junctions, cells with a pair and
the sizes of the five largest clonotypes.
"""

import hashlib
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

FULL_PAIR = ["single pair", "extra VJ", "extra VDJ", "two full chains"]
HEADER = (
    "barcode,is_cell,contig_id,high_confidence,length,chain,v_gene,d_gene,j_gene,c_gene,full_length,productive,cdr3,"
    "cdr3_nt,reads,umis,raw_clonotype_id,raw_consensus_id\n"
)


def write_odd_cells(path):
    """Write a 10x file whose cells have up to six chains of any loci, some unproductive, with many ties."""
    draw = random.Random(7)
    loci = ["TRA", "TRB", "TRG", "TRD", "IGH", "IGK", "IGL", "Multi"]
    lines = []
    for cell in range(600):
        pool = draw.choice([["TRA", "TRB"], ["TRA", "TRB"], ["IGH", "IGK", "IGL"], ["TRG", "TRD"], loci])
        for contig in range(draw.choice([1, 1, 2, 2, 3, 3, 4, 5, 6])):
            locus, base = draw.choice(pool), draw.choice("ACGT")
            productive, confident = draw.random() < 0.9, draw.random() < 0.95
            reads, umis = draw.randint(10, 12), draw.randint(1, 3)
            name = f"C{cell:03}-1"
            lines.append(
                f"{name},True,{name}_contig_{contig + 1},{confident},500,{locus},None,None,None,None,True,{productive},"
                f"{'CKF' if productive else 'None'},TGT{3 * base}TTT,{reads},{umis},None,None\n"
            )
    Path(path).write_text(HEADER + "".join(lines))


def main(paths):
    """Print scirpy's calls of each file."""
    import scirpy

    for path in paths:
        cells = scirpy.io.read_10x_vdj(path)
        scirpy.pp.index_chains(cells)
        scirpy.tl.chain_qc(cells)
        calls = cells.obs[["receptor_type", "receptor_subtype", "chain_pairing"]].astype(str)
        lines = sorted("\t".join((cell, *call)) for cell, call in zip(cells.obs_names, calls.to_numpy(), strict=True))
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        print(Path(path).name, len(lines), digest, sorted(Counter(calls["chain_pairing"]).items()))
        scirpy.pp.ir_dist(cells)
        scirpy.tl.define_clonotypes(cells, receptor_arms="all", dual_ir="primary_only")
        sizes = cells.obs.loc[calls["chain_pairing"].isin(FULL_PAIR).to_numpy(), "clone_id"].value_counts()
        print(sum(sizes > 0), sizes.sum(), sizes.head(5).tolist())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write_odd_cells(f"{folder}/odd.csv")
        main([*sys.argv[1:], f"{folder}/odd.csv"])
