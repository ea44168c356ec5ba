"""Results in the form of others."""

from tilseq.exports.adam import adam

__all__ = ["adam"]
