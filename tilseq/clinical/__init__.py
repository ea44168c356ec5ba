"""The clinic: tumour response, safety, tumour markers."""

from tilseq.clinical.best_response import best_response
from tilseq.clinical.gcig import gcig
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.clinical.response_rates import response_rates
from tilseq.clinical.safety import safety
from tilseq.clinical.tumor_markers import markers

__all__ = [
    "BestResponsePolicy",
    "best_response",
    "gcig",
    "markers",
    "overall_response",
    "response",
    "response_rates",
    "safety",
]
