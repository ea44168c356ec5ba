"""The clinic: tumour response."""

from tilseq.clinical.best_response import best_response
from tilseq.clinical.irecist import irecist, irecist_best_response
from tilseq.clinical.irecist_course import IrecistPolicy
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.reconcile import response_differences
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.clinical.response_rates import response_rates

__all__ = [
    "BestResponsePolicy",
    "IrecistPolicy",
    "best_response",
    "irecist",
    "irecist_best_response",
    "overall_response",
    "response",
    "response_differences",
    "response_rates",
]
