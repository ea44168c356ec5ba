"""What a reader should look at before cells are compared by their labels."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl

from tilseq.tables import as_polars, conform
from tilseq.tables.cell_labels import CELL_LABELS, INFUSED, NO_RECEPTOR, NOT_SEEN, UNDECIDED
from tilseq.tables.outputs import QUALITY

COUNTING = "counting of templates"  # a check
MOST_MISSED, MOST_UNDECIDED = 0.1, 0.1  # round figures of ours
ROUGH_FROM, ROUGH_TO = 0.1, 0.9  # chances between which the law that counts templates makes 5 to 15 points


def label_checks(labels: Any, *, unsure: Collection[str] = ()) -> pl.DataFrame:
    """Return the checks of each sample's labels.

    - `cells in the product`: share of the cells with a receptor that are `infused`; warns where none is, or none has a
      receptor.
    - `cells the product missed`: mean chance of the cells labelled `not_seen_in_product`. Above a tenth they are no
      endogenous cells, and a comparison with infused ones is blurred: it warns, and so it does without a chance.
    - `cells undecided`: share of the cells with a receptor that are `undecided`; warns above a tenth.
    - `counting of templates`: a warning where cells of loci `unsure` have chances between 0.1 and 0.9.

    Parameters
    ----------
    labels
        polars or pandas, the table `cell_labels`.
    unsure
        Loci of which no library surely tells how often the product's templates are counted, see `unsure_templates`.

    Returns
    -------
    polars.DataFrame
        The table `quality`: `sample, check, value, limit, verdict, reason`.

    Raises
    ------
    TableError
        The table is not `cell_labels`.
    """
    rows: list[dict[str, Any]] = []
    frame = conform(as_polars(labels), CELL_LABELS)
    for (sample,), of_sample in frame.partition_by("sample", as_dict=True, maintain_order=True).items():
        with_receptor = of_sample.filter(pl.col("label") != NO_RECEPTOR)
        total = with_receptor.height
        if not total:
            reason = "no cell has a TRA or TRB"
            rows.append({"sample": sample, "check": "cells in the product", "verdict": "warn", "reason": reason})
            continue
        infused, undecided = (with_receptor.filter(label=label).height for label in (INFUSED, UNDECIDED))
        rows.append(
            {
                "sample": sample,
                "check": "cells in the product",
                "value": infused / total,
                "verdict": "pass" if infused else "warn",
                "reason": f"{infused} of {total} cells with a receptor are of a clone that the product shows"
                + ("" if infused else ": is it the product of this subject?"),
            }
        )
        rows += [{"sample": sample, **row} for row in _missed(with_receptor.filter(label=NOT_SEEN))]
        rows.append(
            {
                "sample": sample,
                "check": "cells undecided",
                "value": undecided / total,
                "limit": f"at most {MOST_UNDECIDED:g} of the cells with a receptor",
                "verdict": "pass" if undecided / total <= MOST_UNDECIDED else "warn",
                "reason": f"{undecided} of {total} cells with a receptor can be labelled neither way",
            }
        )
        rows += [{"sample": sample, **row} for row in _rough(of_sample, unsure)]
    return QUALITY.frame(rows)


def _rough(labels: pl.DataFrame, unsure: Collection[str]) -> list[dict[str, Any]]:
    """Return the check of chances that rest on a law of counting which is not surely known."""
    chance = pl.col("probability").is_between(ROUGH_FROM, ROUGH_TO, closed="none")
    rough = labels.filter(chance, pl.col("label") == NOT_SEEN, pl.col("locus").is_in(sorted(unsure)))
    if not rough.height:
        return []
    reason = (
        f"{rough.height} cells not seen in the product have a chance between {ROUGH_FROM:g} and {ROUGH_TO:g}, which is "
        f"rough by 5 to 15 points: no library surely tells how often a template of {', '.join(sorted(unsure))} is "
        "counted; bulk ones of blood do"
    )
    return [{"check": COUNTING, "verdict": "warn", "reason": reason}]


def _missed(unseen: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the check of the cells that the product does not show."""
    if not unseen.height:
        return []
    told = unseen.drop_nulls("probability")
    if not told.height:
        reason = f"{unseen.height} cells not seen in the product may be of infused clones: {unseen['reason'][0]}"
        return [{"check": "cells the product missed", "verdict": "warn", "reason": reason}]
    value = float(told["probability"].to_numpy().mean())
    missed = f"of {told.height} cells not seen in the product about {value * told.height:.0f} are of infused clones"
    depth = f"{told['product_n_effective'][0]:.0f} effective cells"
    return [
        {
            "check": "cells the product missed",
            "value": value,
            "limit": f"at most {MOST_MISSED:g} of the cells not seen",
            "verdict": "pass" if value <= MOST_MISSED else "warn",
            "reason": f"{missed}, which its {depth} did not show",
        }
    ]
