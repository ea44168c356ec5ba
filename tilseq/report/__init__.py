"""The report of a run: the figures of the whole cohort, and one HTML page."""

from tilseq.report.figures import make_figures
from tilseq.report.page import render

__all__ = ["make_figures", "render"]
