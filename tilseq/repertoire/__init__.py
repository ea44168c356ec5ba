"""The repertoire laboratory: depth, diversity, overlap, B cells, persistence of infused clones. Tables in and out."""

from tilseq.repertoire.bcr import bcr
from tilseq.repertoire.cell_labels import cell_labels
from tilseq.repertoire.cell_origins import with_origins
from tilseq.repertoire.cell_quality import cell_checks, cell_quality
from tilseq.repertoire.cells import cells_of, effective_cells, effective_number
from tilseq.repertoire.chains import chain_pairing, check_overlap, joined_lanes
from tilseq.repertoire.change import change
from tilseq.repertoire.contamination import Contamination, contamination
from tilseq.repertoire.depth import depth, miscounted_templates, one_library, share_cells, with_depth
from tilseq.repertoire.diversity import diversity, hill_profile
from tilseq.repertoire.effective import effective_clones, summed
from tilseq.repertoire.families import distance_to_nearest, families, family_diversity
from tilseq.repertoire.hopping import leak_limit
from tilseq.repertoire.isotypes import isotypes
from tilseq.repertoire.keys import lacking, paired
from tilseq.repertoire.label_checks import label_checks
from tilseq.repertoire.miscounting import Miscounting, miscounting
from tilseq.repertoire.mutation import mutation_load, mutations
from tilseq.repertoire.near_matches import near_matches
from tilseq.repertoire.neighbours import neighbours
from tilseq.repertoire.origin import origin_classes, origins
from tilseq.repertoire.overlap import overlap
from tilseq.repertoire.paired_clones import paired_clones
from tilseq.repertoire.persistence import persistence, pooled
from tilseq.repertoire.presence import presence
from tilseq.repertoire.product_lots import ProductLot
from tilseq.repertoire.qc import qc
from tilseq.repertoire.rarefaction import effective_spectra, rarefaction, standardised
from tilseq.repertoire.replicates import cells_from_pair, cells_from_replicates
from tilseq.repertoire.still_seen import common_cells
from tilseq.repertoire.threshold import family_threshold
from tilseq.repertoire.track import Tracked, track
from tilseq.repertoire.trend import trend
from tilseq.repertoire.usage import usage, usage_divergence

__all__ = [
    "Contamination",
    "Miscounting",
    "ProductLot",
    "Tracked",
    "bcr",
    "cell_checks",
    "cell_labels",
    "cell_quality",
    "cells_from_pair",
    "cells_from_replicates",
    "cells_of",
    "chain_pairing",
    "change",
    "check_overlap",
    "common_cells",
    "contamination",
    "depth",
    "distance_to_nearest",
    "diversity",
    "effective_cells",
    "effective_clones",
    "effective_number",
    "effective_spectra",
    "families",
    "family_diversity",
    "family_threshold",
    "hill_profile",
    "isotypes",
    "joined_lanes",
    "label_checks",
    "lacking",
    "leak_limit",
    "miscounted_templates",
    "miscounting",
    "mutation_load",
    "mutations",
    "near_matches",
    "neighbours",
    "one_library",
    "origin_classes",
    "origins",
    "overlap",
    "paired",
    "paired_clones",
    "persistence",
    "pooled",
    "presence",
    "qc",
    "rarefaction",
    "share_cells",
    "standardised",
    "summed",
    "track",
    "trend",
    "usage",
    "usage_divergence",
    "with_depth",
    "with_origins",
]
