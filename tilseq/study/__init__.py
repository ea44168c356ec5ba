"""The study folder: its settings, its tables, and everything that can be wrong with them."""

from tilseq.study.model import Study
from tilseq.study.read import read_study

__all__ = ["Study", "read_study"]
