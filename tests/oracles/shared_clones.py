"""Cells of a patient's blood whose one TRB is in the patient's tumour, counted with the csv module alone.

`python tests/oracles/shared_clones.py FOLDER` with the contigs of BorchLab/scRepertoire (MIT): a row a patient with the
blood's cells of one productive TRB and at most two productive TRA, those whose TRB the tumour's cells have, those of
them that share a TRA with such a cell of the tumour too, those whose TRB has no TRA there while theirs stands in a cell
without TRB, and the largest such clone: its cells in blood and tumour.
"""

import csv
import gzip
import sys
from collections import Counter, defaultdict


def chains(path):
    """Return cell → locus → its distinct productive junctions."""
    found = defaultdict(lambda: defaultdict(set))
    with gzip.open(path, "rt") as stream:
        for row in csv.DictReader(stream):
            if row["is_cell"] == row["high_confidence"] == row["productive"] == "True":
                found[row["barcode"]][row["chain"]].add(row["cdr3_nt"])
    return found


for patient in ("P17", "P18", "P19", "P20"):
    blood, tumor = (chains(f"{sys.argv[1]}/{patient}{place}_filtered_contig_annotations.csv.gz") for place in "BL")
    cells_of_tumor = Counter(beta for cell in tumor.values() for beta in cell["TRB"])
    alphas = defaultdict(set)
    for cell in tumor.values():
        for beta in cell["TRB"]:
            alphas[beta] |= cell["TRA"]
    single = [cell for cell in blood.values() if len(cell["TRB"]) == 1 and len(cell["TRA"]) <= 2]
    shared = [(cell, beta) for cell in single for beta in cell["TRB"] if beta in cells_of_tumor]
    both = [beta for cell, beta in shared if cell["TRA"] & alphas[beta]]
    alone = set().union(*(cell["TRA"] for cell in tumor.values() if not cell["TRB"]))
    apart = [beta for cell, beta in shared if not alphas[beta] and cell["TRA"] & alone]
    beta, number = Counter(beta for _, beta in shared).most_common(1)[0]
    print(patient, len(single), len(shared), len(both), len(apart), beta, number, cells_of_tumor[beta])
