"""The clinic: tumour response."""

from tilseq.clinical.recist import overall_response, response

__all__ = ["overall_response", "response"]
