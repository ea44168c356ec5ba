"""Labels of cells put beside the cells: columns of `obs` of an AnnData, or of the `airr` part of a MuData."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilseq.errors import TableError

if TYPE_CHECKING:
    import polars as pl

# Column of the table `cell_labels` → what it is called behind the key.
COLUMNS: Mapping[str, str] = {
    "label": "label",
    "probability": "probability",
    "matched_by": "matched_by",
    "junction": "junction",
    "product_share": "share",
    "product_n_effective": "n_effective",
}
OF_ORIGIN: Mapping[str, str] = {"origin": "origin"}
ALIKE = "give files of the same cells, with barcodes written alike, with or without a lane's -1"
LEAST_SHARED = 0.5  # of the fewer of two sets of barcodes of one sample; either may be a part of the other


def write_cell_labels(
    data: Any, labels: pl.DataFrame, *, key_added: str = "product", by: str | None = None, airr_mod: str = "airr"
) -> list[str]:
    """Put the labels of cells into `obs` by barcode, as scirpy puts its results there.

    Parameters
    ----------
    data
        An AnnData, or a MuData, whose part ``airr_mod`` gets the columns; they stand in its own `obs` too, as
        `airr:product_label` and so on. It is changed in place.
    labels
        The table `cell_labels`.
    key_added
        Start of the names of the columns: `product_label`, `product_matched_by`, `product_junction`
        (categories), `product_probability`, `product_share`, `product_n_effective` (NaN where missing); where any
        label tells the origin of its clone, `product_origin` too.
    by
        Column of `obs` that names each cell's sample, where there are several; their barcodes may collide.
    airr_mod
        Name of the part of a MuData that holds the receptors.

    Returns
    -------
    list of str
        The columns written. A cell without a label has none in them.

    Raises
    ------
    TableError
        A MuData has no such part; `obs` has no such column; labels name a barcode twice; no cell has a label; labels
        and cells of a sample, or the receptors of a MuData and another of its parts, have fewer than half of the
        barcodes of the smaller of the two in common.
    """
    cells = _part(data, airr_mod)
    keys = _keys(cells, by)
    names = ["sample", "cell_id"] if by is not None else ["cell_id"]
    tells_origin = "origin" in labels.columns and labels["origin"].count()
    columns = {**COLUMNS, **(OF_ORIGIN if tells_origin else {})}
    rows = labels.select(*names, *columns)
    if rows.select(names).is_duplicated().any():
        mend = "name the column of obs that tells samples apart with by, or give the labels of one sample"
        raise TableError("labels name a barcode twice", column="cell_id", mend=mend)
    held = dict(zip(rows.select(names).rows(), rows.select(*columns).rows(), strict=True))
    if not any(key in held for key in keys):
        raise TableError(
            "no cell has a label",
            column="cell_id",
            found=f"{len(keys)} cells, {len(held)} labels",
            mend=ALIKE,
        )
    _check_shared(keys, list(held))
    for name, part in getattr(data, "mod", {}).items():
        if part is not cells:
            barcodes = [[(str(cell),) for cell in one.obs_names] for one in (part, cells)]
            _check_shared(*barcodes, names=(f"cells of {name}", f"cells of {airr_mod}"))
    missing = (None,) * len(columns)
    found = list(zip(*(held.get(key, missing) for key in keys), strict=True))
    written = []
    for (name, behind), values in zip(columns.items(), found, strict=True):
        column = f"{key_added}_{behind}"
        kind = "float64" if labels.schema[name].is_numeric() else "category"
        cells.obs[column] = values
        cells.obs[column] = cells.obs[column].astype(kind)
        if cells is not data:
            data.obs[f"{airr_mod}:{column}"] = cells.obs[column]
        written.append(column)
    return written


def _check_shared(
    cells: Sequence[tuple[str, ...]],
    labels: Sequence[tuple[str, ...]],
    *,
    names: tuple[str, str] = ("cells", "labels"),
) -> None:
    """Refuse barcodes of which too few are in both: those of other cells meet by chance, one in a hundred."""
    for sample in sorted({key[:-1] for key in cells} & {key[:-1] for key in labels}):
        one, other = ({key for key in keys if key[:-1] == sample} for keys in (cells, labels))
        shared = len(one & other)
        if shared < LEAST_SHARED * min(len(one), len(other)):
            of = f" of {sample[0]}" if sample else ""
            raise TableError(
                f"too few barcodes{of} stand in both: expression and receptors are of other cells",
                column="cell_id",
                found=f"{shared} in {len(one)} {names[0]} and {len(other)} {names[1]}, "
                f"{100 * shared / min(len(one), len(other)):.0f} %",
                expected=f"at least {100 * LEAST_SHARED:.0f} % of the fewer",
                mend=ALIKE,
            )


def _part(data: Any, airr_mod: str) -> Any:
    """Return the AnnData that gets the columns."""
    parts = getattr(data, "mod", None)
    if parts is None:
        return data
    if airr_mod not in parts:
        raise TableError("the MuData has no such part", found=airr_mod, expected=", ".join(parts))
    return parts[airr_mod]


def _keys(cells: Any, by: str | None) -> list[tuple[str, ...]]:
    """Return what names each cell: its barcode, behind its sample where there are several."""
    if by is None:
        return [(str(name),) for name in cells.obs_names]
    if by not in cells.obs:
        raise TableError("no such column in obs", column=by, found=", ".join(map(str, cells.obs.columns)))
    return [(str(sample), str(name)) for sample, name in zip(cells.obs[by], cells.obs_names, strict=True)]
