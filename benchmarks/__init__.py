"""tilseq beside its peers and the machine's limit, as ratios in one run."""
