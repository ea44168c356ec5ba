"""Figures of one score in pairs: two levels of a factor in each subject, infused and other cells of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.expression.contrasts import parse_contrast
from tilseq.expression.sample_design import check_has
from tilseq.plots.labels import place_labels
from tilseq.plots.scored import in_order, scored_samples
from tilseq.plots.style import FAINT, MARKERS, MUTED, figure, short
from tilseq.plots.timeline import MOST_NAMED, look
from tilseq.tables import as_polars
from tilseq.tables.cell_labels import INFUSED, NOT_SEEN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHIFT = 0.07  # of a mark without a pair from the others of its side
MARGIN = 0.06
LONGEST_SET = 40


def paired_slopes(
    scores: Any, design: Any, *, gene_set: str, contrast: str = "visit:D28/product", method: str | None = None
) -> Axes:
    """Draw one score in two levels of a factor: a line a subject, from the reference to the level.

    Parameters
    ----------
    scores
        Table `scores` or `sample_scores`, polars or pandas.
    design
        One row a sample: `sample, subject` and the factor. It chooses what is drawn: one sample a subject and level.
    gene_set
        The set.
    contrast
        ``FACTOR:LEVEL/REFERENCE``, such as ``visit:D28/product``.
    method
        Which method; needed where the table of scores holds several.

    Returns
    -------
    Axes
        Each subject has a colour and a marker of its own; beyond 14 all are grey. The broad line joins the means of the
        pairs. A subject with one of the two is an open mark, beside the others. The title says how many there are.

    Raises
    ------
    AnalysisError
        A column or value is absent, the contrast is none or an interaction, no sample is of the set or of a level, or
        a subject has two samples of one.
    """
    terms = parse_contrast(contrast).terms
    if len(terms) > 1:
        raise AnalysisError("slopes are of one factor", found=contrast, expected="FACTOR:LEVEL/REFERENCE")
    term = terms[0]
    levels = (term.reference, term.level)
    rows = scored_samples(scores, _of_levels(design, term.factor, levels), by=("subject", term.factor),
                          sets=[gene_set], method=method)  # fmt: skip
    sides = {level: dict(rows.filter(pl.col(term.factor) == level).select("subject", "value").drop_nulls().iter_rows())
             for level in levels}  # fmt: skip
    subjects = rows["subject"].unique().sort().to_list()
    ends = [[sides[level].get(subject) for level in levels] for subject in subjects]
    pairs = [pair for pair in ends if None not in pair]
    with figure(6.0, 4.2) as axes:
        for place, (subject, pair) in enumerate(zip(subjects, ends, strict=True)):
            _draw_subject(axes, pair, short(subject), *look(place, len(subjects)), len(subjects) > MOST_NAMED)
        if len(pairs) > 1:
            means = [sum(values) / len(pairs) for values in zip(*pairs, strict=True)]
            label = f"mean of {len(pairs)} pairs"
            axes.plot([0, 1], means, color=MUTED, linewidth=7, alpha=0.35, label=label, zorder=1)
        axes.set_xticks([0, 1], [short(level) for level in levels])
        axes.set_xlim(-0.35, 1.35)
        axes.margins(y=MARGIN)
        axes.grid(axis="y")
        axes.set_ylabel(f"Score, {_score_label(gene_set, method)}")
        _name_subjects(axes, len(subjects))
        alone = sum(pair.count(None) == 1 for pair in ends)
        lost = sum(pair.count(None) == 2 for pair in ends)
        told = [f"{len(pairs)} pair{'s' if len(pairs) != 1 else ''}"]
        told += [f"open: no pair ({alone})"] if alone else []
        told += [f"without a score: {lost}"] if lost else []
        axes.set_title("; ".join(told), fontweight="normal", fontsize=9, color=MUTED)
    return axes


def infused_scatter(scores: Any, design: Any, *, gene_set: str, method: str | None = None) -> Axes:
    """Draw one score of the infused cells of each sample over that of its cells that are not seen in the product.

    Not in the product is not endogenous: an infused clone that the product's depth has missed stands among them, so
    that the two are more alike than they are.

    Parameters
    ----------
    scores
        Table `scores` or `sample_scores`, polars or pandas, of samples that are the cells of one status.
    design
        One row a sample: `sample, subject, visit, status`, one sample of each; other statuses than `infused` and
        `not_seen_in_product` are not looked at. Visits stand in the order of their first `day`, where there is one.
    gene_set
        The set.
    method
        Which method; needed where the table of scores holds several.

    Returns
    -------
    Axes
        A mark a subject and visit; a thin line joins the visits of a subject in order, and its name stands at the last,
        if it finds room. Beyond 14 subjects all are grey and have no names. On the grey diagonal both score the same. A
        value whose partner is missing is a tick at the edge. Both axes are of one scale.

    Raises
    ------
    AnalysisError
        As `paired_slopes`; there is no pair.
    """
    rows = scored_samples(scores, _of_levels(design, "status", (INFUSED, NOT_SEEN)), by=("subject", "visit", "status"),
                          sets=[gene_set], method=method)  # fmt: skip
    order = in_order(rows, None)
    wide = rows.pivot("status", index=["subject", "visit"], values="value")
    pairs = wide.drop_nulls([INFUSED, NOT_SEEN]).sort(pl.col("visit").replace_strict(_places(order)), "subject")
    if pairs.is_empty():
        raise AnalysisError("no sample has a score of infused and of other cells", found=gene_set)
    subjects = wide["subject"].unique().sort().to_list()
    order = [visit for visit in order if visit in set(pairs["visit"])]
    with figure(6.4, 4.8) as axes:
        low, high = _ends([*wide[INFUSED].drop_nulls(), *wide[NOT_SEEN].drop_nulls()])
        axes.plot([low, high], [low, high], color=FAINT, linewidth=1.4, zorder=0)
        for place, subject in enumerate(subjects):
            colour, _ = look(place, len(subjects))
            _draw_visits(axes, pairs.filter(subject=subject), order, colour)
            _draw_alone(axes, wide.filter(subject=subject), colour)
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set_xlabel("Score, cells not seen in the product")
        axes.set_ylabel("Score, infused cells")
        _name_visits(axes, order)
        above = pairs.filter(pl.col(INFUSED) > pl.col(NOT_SEEN)).height
        alone = wide.filter(pl.col(INFUSED).is_null() != pl.col(NOT_SEEN).is_null()).height
        told = f"{_score_label(gene_set, method)}: {above} of {pairs.height} samples higher in infused cells"
        told += f"\ntick at an edge: no partner ({alone})" if alone else ""
        axes.set_title(told, fontweight="normal", fontsize=9, color=MUTED)
        if len(subjects) <= MOST_NAMED:
            last = pairs.group_by("subject", maintain_order=True).last()
            place_labels(axes, _at(last), last["subject"].to_list(), avoid=_at(pairs))
    return axes


def _of_levels(design: Any, factor: str, levels: Sequence[str]) -> pl.DataFrame:
    """Return the samples of two levels."""
    samples = as_polars(design)
    check_has(samples, factor)
    known = samples[factor].cast(pl.String).drop_nulls().unique().sort().to_list()
    for level in levels:
        if level not in known:
            mend = did_you_mean(level, known) or f"it has {', '.join(known)}"
            raise AnalysisError("no sample is of this level", column=factor, found=level, mend=mend)
    return samples.filter(pl.col(factor).cast(pl.String).is_in(list(levels)))


def _draw_subject(axes: Axes, pair: Sequence[float | None], name: str, colour: str, marker: str, faint: bool) -> None:
    if None not in pair:
        axes.plot([0, 1], pair, color=colour, marker=marker, label=name, alpha=0.6 if faint else 1)  # type: ignore[arg-type]
        return
    for side, value in enumerate(pair):
        if value is not None:
            axes.plot(
                [side + (SHIFT if side else -SHIFT)], [value], color=colour, marker=marker, linestyle="none",
                markerfacecolor="white", label=name,
            )  # fmt: skip


def _at(pairs: pl.DataFrame) -> Any:
    return pairs.select(NOT_SEEN, INFUSED).to_numpy()


def _draw_visits(axes: Axes, own: pl.DataFrame, order: Sequence[str], colour: str) -> None:
    """Draw the line of a subject, and on it a marker a visit."""
    axes.plot(own[NOT_SEEN].to_list(), own[INFUSED].to_list(), color=colour, linewidth=0.8, alpha=0.6, label="_line")
    for visit, across, up in own.select("visit", NOT_SEEN, INFUSED).iter_rows():
        axes.plot(across, up, linestyle="none", marker=_marker(order, visit), markersize=6, color=colour,
                  markeredgecolor="white", markeredgewidth=0.4, label=f"_{visit}")  # fmt: skip


def _marker(order: Sequence[str], visit: str) -> str:
    return MARKERS[order.index(visit) % len(MARKERS)]


def _name_visits(axes: Axes, order: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker=_marker(order, visit), markersize=6, color=MUTED, label=short(visit))
        for visit in order
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), title="Visit", alignment="left")


def _draw_alone(axes: Axes, wide: pl.DataFrame, colour: str) -> None:
    """Draw values without a partner as ticks: of infused cells at the left edge, of others at the lower one."""
    look: dict[str, Any] = {"linestyle": "none", "markersize": 9, "markeredgewidth": 1.4, "color": colour}
    infused = wide.filter(pl.col(NOT_SEEN).is_null())[INFUSED].drop_nulls().to_list()
    others = wide.filter(pl.col(INFUSED).is_null())[NOT_SEEN].drop_nulls().to_list()
    for x, y, marker, transform in (
        ([0.0] * len(infused), infused, "_", axes.get_yaxis_transform()),
        (others, [0.0] * len(others), "|", axes.get_xaxis_transform()),
    ):
        if x:
            axes.plot(x, y, marker=marker, transform=transform, clip_on=False, label="_alone", **look)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = MARGIN * ((high - low) or abs(high) or 1.0)
    return low - room, high + room


def _places(order: Sequence[str]) -> dict[str, int]:
    return {visit: place for place, visit in enumerate(order)}


def _name_subjects(axes: Axes, subjects: int) -> None:
    """Set the legend: subjects where there are few enough to tell apart, and what else bears a name."""
    handles, labels = axes.get_legend_handles_labels()
    named = subjects <= MOST_NAMED
    kept = [(h, label) for h, label in zip(handles, labels, strict=True) if named or label.startswith("mean of")]
    if kept:
        title = "Subject" if named else f"{subjects} subjects"
        axes.legend(
            *zip(*kept, strict=True), loc="center left", bbox_to_anchor=(1.0, 0.5), title=title, alignment="left"
        )


def _score_label(gene_set: str, method: str | None) -> str:
    return short(gene_set, LONGEST_SET) + ("" if method is None else f" ({method})")
