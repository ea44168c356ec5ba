"""The clinic: tumour response."""

from tilseq.clinical.best_response import best_response
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.clinical.response_rates import response_rates

__all__ = ["BestResponsePolicy", "best_response", "overall_response", "response", "response_rates"]
