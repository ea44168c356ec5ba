"""Which rows of the table of infusions are infusions: those in which cells were given."""

from __future__ import annotations

from typing import Any

import polars as pl

from tilseq.tables import Table, as_polars, conform, refuse_stand_ins
from tilseq.tables.inputs import INFUSIONS

CELLS = Table(INFUSIONS.name, INFUSIONS.meaning, tuple(c for c in INFUSIONS.columns if c.name == "cells"))


def given_infusions(infusions: Any) -> pl.DataFrame:
    """Return the infusions in which cells were given: all rows but those of 0 cells, in their order.

    A row of 0 cells tells of an infusion that was planned and not given, as where a product failed its release. Where
    nobody wrote how many cells there were, they were given.

    Parameters
    ----------
    infusions
        Table `infusions`, polars or pandas; `cells` may be absent.

    Raises
    ------
    TableError
        `cells` holds what is no number, or less than 0.
    """
    frame = as_polars(infusions)
    refuse_stand_ins(frame, CELLS)
    if "cells" not in frame.columns:
        return frame
    return frame.filter(conform(frame.select("cells"), CELLS)["cells"].fill_null(1) > 0)
