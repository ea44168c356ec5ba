"""One tube as the settings ask for it: what they say of its gates, its file read, and it gated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.flow.gated import Borrowed, Gating
    from tilseq.flow.tube import Tube
    from tilseq.io.fcs import Spill
    from tilseq.study import Study
    from tilseq.study.settings import Panel


def arguments_of(study: Study, sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the settings decides on the automatic gates of one tube."""
    settings = study.settings.analysis.flow
    panel = study.settings.panels.get(sample["panel"]) if sample["panel"] else None
    return {
        "aliases": dict(panel.markers) if panel else {},
        "thresholds": {
            **settings.thresholds,
            **(panel.thresholds if panel else {}),
            **settings.sample_thresholds.get(sample["sample"], {}),
        },
        "populations": _populations(panel, sample["marked_population"]),
        "spill": panel.spill if panel else None,
    }


def _populations(panel: Panel | None, mark: str | None) -> dict[str, Any]:
    """Return the panel's populations, and the T cells that bear the marker by which infused cells are told."""
    from tilseq.flow.marked import marked_population
    from tilseq.populations import T_CELLS

    populations: dict[str, Any] = {name: one.model_dump() for name, one in panel.populations.items()} if panel else {}
    tree = {*T_CELLS, *populations}
    if mark is not None and mark not in tree:
        populations[marked_population(mark, tree)] = {"parent": "CD3+", "markers": [f"{mark}+"]}
    return populations


def gate_file(
    path: str,
    sample: str,
    arguments: Mapping[str, Any],
    borrowed: Borrowed | None = None,
    spill: Spill | None = None,
) -> Gating:
    """Read and gate one tube as the settings say."""
    return gate_tube(read_tube(path, arguments.get("member"), spill), sample, arguments, borrowed)


def read_tube(path: str | Path, member: str | None, spill: Spill | None = None) -> Tube:
    """Read the data set of a tube's file that `member` names, with a spillover in place of its own if given."""
    from tilseq.flow.given_spill import with_spill
    from tilseq.io.fcs import read_fcs

    tube = read_fcs(path, data_set=_data_set(member))
    return tube if spill is None else with_spill(tube, spill)


def _data_set(member: str | None) -> int:
    if member is None:
        return 0  # without the time that importing the model of a study takes
    from tilseq.errors import AnalysisError
    from tilseq.study.model import data_set_of

    number = data_set_of(member)
    if number is None:
        expected = "the number of a data set of the FCS file, from 0"
        raise AnalysisError("no data set", file="samples.csv", column="member", found=member, expected=expected)
    return number


def gate_tube(
    tube: Tube,
    sample: str,
    arguments: Mapping[str, Any],
    borrowed: Borrowed | None = None,
    *,
    cytokines: bool = False,
) -> Gating:
    """Gate one tube as the settings say."""
    from tilseq.flow.gating import gate
    from tilseq.populations import rule

    return gate(
        tube,
        sample=sample,
        aliases=arguments["aliases"],
        thresholds=arguments["thresholds"] or None,
        populations={name: rule(one["parent"], *one["markers"]) for name, one in arguments["populations"].items()},
        borrowed=borrowed,
        cytokines=cytokines,
    )
