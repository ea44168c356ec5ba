"""A person's gates of one tube, and what the automatic ones say beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.gating import Gating
    from tilseq.flow.tree import Population
    from tilseq.flow.tube import Tube
    from tilseq.study import Study

WORKSPACE = ".wsp"
# Checks of an automatic gating that speak of the tube and its run, not of gates.
OF_THE_TUBE = (
    *("compensation", "spillover given", "flow rate", "signal over time", "drift over time", "non-finite events"),
    *("lymphocytes at the top of a detector", "lymphocytes at the floor of a detector"),
)


def gates_of(study: Study, sample: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the file of a person's gates for one sample and its names, or None.

    GatingML goes before a FlowJo workspace, and then the sample's own before those of its panel.
    """
    given = study.settings.gates
    found = [given[key] for key in (sample["sample"], sample["panel"]) if key in given]
    if not found:
        return None
    return min(found, key=lambda one: Path(one.file).suffix.casefold() == WORKSPACE).model_dump()


def read_populations(
    path: str | Path, tube: Tube, tube_path: str | Path, names: Mapping[str, str] | None = None
) -> dict[str, Population]:
    """Return the populations that a file of gates finds in a tube, by the names they are given.

    In a FlowJo workspace the tube is looked up by the name of its file.

    Raises
    ------
    ReadError, AnalysisError
        The file cannot be read, is not of this tube, or its gates cannot be applied; a name is at fault.
    """
    from tilseq.flow.manual import name_populations
    from tilseq.io.gate_files import read_gates

    found = read_gates(path, sample=Path(tube_path).name).populations(tube)
    return name_populations({name: (one.parent, one.mask) for name, one in found.items()}, names)


def quality_of(
    sample: str, tube: Tube, populations: Mapping[str, Population], source: str, beside: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows of `quality` for a tube with a person's gates.

    Parameters
    ----------
    sample
        Name of the tube.
    tube
        The tube, for what its reader found odd.
    populations
        What the person gated.
    source
        The file of the gates and its SHA-256.
    beside
        What the automatic gates say, see `beside_automatic`.
    """
    from tilseq.flow.manual import check_t_cells, check_whole
    from tilseq.flow.quality import check

    return [
        *(
            check(sample, f"input {number}", None, "nothing odd in the file", False, warning)
            for number, warning in enumerate(tube.warnings, start=1)
        ),
        check(sample, "gates", None, "a person's go before automatic ones", True, f"a person's, {source}"),
        *check_whole(sample, populations),
        *check_t_cells(sample, populations),
        *beside,
    ]


def beside_automatic(
    sample: str, populations: Mapping[str, Population], automatic: Gating | str
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Set the automatic gates (a) against a person's (b).

    Parameters
    ----------
    sample
        Name of the tube.
    populations
        What the person gated.
    automatic
        The automatic gating, or why there is none.

    Returns
    -------
    comparison
        Table `comparison`; empty without an automatic gating.
    quality
        How well the two agree, and what the automatic gating says of the tube itself.
    """
    from tilseq.flow.compare import compare
    from tilseq.flow.quality import check
    from tilseq.tables.outputs import COMPARISON

    name, limit = "automatic gates", "told, smallest F1 of a population of both"
    if isinstance(automatic, str):
        return COMPARISON.frame(), [check(sample, name, None, limit, True, f"not available: {automatic}")]
    ours = {one.name: one.mask for one in automatic.populations.values()}
    table = compare(ours, {one.name: one.mask for one in populations.values()}, sample=sample)
    scores = {row["population"]: row["f1"] for row in table.iter_rows(named=True) if row["f1"] is not None}
    told = ", ".join(f"{population} {f1:.3f}" for population, f1 in scores.items()) or "no population of both"
    of_the_tube = automatic.quality.filter(automatic.quality["check"].is_in(OF_THE_TUBE)).to_dicts()
    return table, [check(sample, name, min(scores.values(), default=None), limit, True, told), *of_the_tube]
