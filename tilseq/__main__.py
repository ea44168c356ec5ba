"""`python -m tilseq` is the command line."""

from tilseq.cli import main

main()
