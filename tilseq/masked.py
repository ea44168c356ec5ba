"""Masked arrays of numpy: taken for arrays, what their masks hide would count."""

from __future__ import annotations

from tilseq.errors import AnalysisError


def refuse_masked(**given: object) -> None:
    """Refuse a masked array that hides a value; one that hides none is as good as any other array.

    Parameters
    ----------
    given
        Values by the name that the error calls them; what is no masked array is not looked at.

    Raises
    ------
    AnalysisError
        A value is masked.
    """
    import numpy as np

    for name, values in given.items():
        if isinstance(values, np.ma.MaskedArray) and (hidden := int(np.ma.count_masked(values))):
            what, mend = "a masked array hides values that would count", "leave them out, or `.filled(numpy.nan)`"
            raise AnalysisError(what, column=name, found=f"{hidden} of {values.size}", expected="none", mend=mend)
