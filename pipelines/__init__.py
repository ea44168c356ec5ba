"""The Snakemake workflow that `tilseq run` drives."""
