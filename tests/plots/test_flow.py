from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from tilseq.flow import Gating, gate
from tilseq.plots.flow import gates

TUBES = {
    "itn/itn_02.fcs": ["FSC-A (FSC)", "CD3", "CD4"],
    "pbmc_spectral_unmixed.fcs": ["FSC-A", "viability (Viability)", "FSC-A", "CD3", "CD4", "CD19"],
    "flowsom_68983/68983.fcs": [
        "FSC-A", "FSC-A", "CD45 (Alexa F… 700-A)", "CD3 (PE-Cy7-A)", "CD4 (PE-Texas Red-A)", "CD19 (PE-Cy5-A)",
    ],
}  # fmt: skip


def gated(shared_data: Path, file: str, **settings: Any) -> Gating:
    from tilseq.io.fcs import read_fcs

    return gate(read_fcs(shared_data / "flow" / file), sample="<b>$x_1$", **settings)


def svg(figure: Figure) -> bytes:
    from tilseq.plots.style import house_style

    stream = BytesIO()
    with house_style():
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


@pytest.mark.parametrize("file", TUBES)
def test_one_panel_a_step_with_its_shares(shared_data: Path, file: str) -> None:
    gating = gated(shared_data, file)
    figure = gates(gating)
    assert [axes.get_xlabel() for axes in figure.axes] == TUBES[file]
    axes = of(figure, "CD3+", "CD4")
    total = gating.populations["CD3+"].events
    names = ["CD4+ T", "CD8+ T", "DN T", "DP T"]
    assert sorted(text.get_text() for text in axes.texts) == [
        f"{name}\n{100 * gating.populations[name].events / total:.1f} %" for name in names
    ]
    assert len(axes.lines) == 2  # the cuts of CD4 and CD8
    assert axes.get_title(loc="left") == f"CD3+: {total:,} events"
    drawn = svg(figure)
    assert len(drawn) < 250_000
    assert drawn == svg(gates(gating))


def test_a_name_is_drawn_as_it_is_written(shared_data: Path) -> None:
    figure = gates(gated(shared_data, "itn/itn_02.fcs"))
    assert figure.get_suptitle() == "<b>$x_1$"
    assert b"<b>" not in svg(figure)


def of(figure: Figure, population: str, across: str) -> Any:
    """Return the panel of a population with this marker across."""
    return next(
        axes
        for axes in figure.axes
        if axes.get_title(loc="left").startswith(f"{population}:") and axes.get_xlabel().startswith(across)
    )


def test_the_cut_stands_where_events_are_parted(shared_data: Path) -> None:
    import numpy as np

    from tilseq.flow.transform import arcsinh

    gating = gated(shared_data, "itn/itn_02.fcs", thresholds={"CD4": 50.0})
    axes = of(gates(gating), "CD3+", "CD4")
    assert np.allclose(axes.lines[0].get_xdata(), arcsinh(50.0, gating.cofactors["CD4"]))
    # Set by hand, it could lie nowhere else; that of CD8 has its band.
    assert [line.get_linestyle() for line in axes.lines] == ["-.", "-"]
    (band,) = axes.patches
    cut = gating.cuts["CD8", "CD3+"]
    ends = arcsinh((cut.lower, cut.upper), gating.cofactors["CD8"])
    assert np.allclose((band.get_y(), band.get_y() + band.get_height()), ends)


def test_how_a_gate_came_about_is_told_by_its_line_and_in_words(shared_data: Path) -> None:
    own = gated(shared_data, "itn/itn_03.fcs")
    assert gates(own).get_supxlabel() == ""
    sources: dict[str, Any] = {"CD4": "cohort", "CD8": "fallback"}
    cuts = {(m, "CD3+"): own.cuts[m, "CD3+"]._replace(source=source) for m, source in sources.items()}
    figure = gates(replace(own, cuts={**own.cuts, **cuts}))
    assert [line.get_linestyle() for line in of(figure, "CD3+", "CD4").lines] == ["--", ":"]
    assert figure.get_supxlabel() == "dashed: borrowed from other tubes; dotted: no valley, put by a rule"


def test_a_panel_without_events_says_so(shared_data: Path) -> None:
    settings = {"CD3": 1e6, "FSC-A": 200.0, "SSC-A": 400.0, "CD4": 50.0, "CD8": 50.0}
    figure = gates(gated(shared_data, "itn/itn_02.fcs", thresholds=settings))
    axes = of(figure, "CD3+", "CD4")
    assert axes.get_title(loc="left") == "CD3+: 0 events"
    assert "DN T\nno events" in [text.get_text() for text in axes.texts]
    assert svg(figure)


def test_the_region_of_lymphocytes_is_drawn_about_them(shared_data: Path) -> None:
    import numpy as np
    from matplotlib.path import Path as Outline

    gating = gated(shared_data, "flowsom_68983/68983.fcs")
    axes = of(gates(gating), "singlets", "CD45")
    outline, inner, outer = (Outline(line.get_xydata()) for line in axes.lines)
    inside, singlets = gating.populations["lymphocytes"].mask, gating.populations["singlets"].mask
    cd45 = np.arcsinh(gating.values["CD45"] / gating.cofactors["CD45"])
    places = np.column_stack([cd45, gating.values["SSC-A"]])
    # In three dimensions no lymphocyte lies outside of what the region casts on two of them.
    assert outline.contains_points(places[inside]).mean() > 0.999
    assert outline.contains_points(places[singlets]).mean() > inside.sum() / singlets.sum()
    reach = [path.get_extents().width for path in (inner, outline, outer)]
    assert reach == sorted(reach) and reach[0] < reach[2]


def test_a_users_population_gets_a_panel_of_its_own(shared_data: Path) -> None:
    from tilseq.populations import rule

    gating = gated(
        shared_data,
        "flowsom_68983/68983.fcs",
        aliases={"TCRgd": ["TCRyd"], "NK1.1": ["NK1/1"]},
        populations={"ab T": rule("CD3+", "TCRgd-", "NK1.1-"), "CD3+/gd T": rule("CD3+", "TCRgd+")},
    )
    axes = of(gates(gating), "CD3+", "TCRgd")
    total = gating.populations["CD3+"].events
    assert sorted(text.get_text() for text in axes.texts) == [
        f"{own}\n{100 * gating.populations[name].events / total:.1f} %"
        for own, name in (("ab T", "ab T"), ("gd T", "CD3+/gd T"))
    ]


@pytest.mark.parametrize("file", TUBES)
def test_shares_stand_clear_of_all_events_and_outlines_within_the_axes(shared_data: Path, file: str) -> None:
    figure = gates(gated(shared_data, file))
    svg(figure)  # lays it out
    for axes in figure.axes:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        for line in axes.lines:
            if len(line.get_xdata()) > 2:  # no cut
                x, y = line.get_xdata(), line.get_ydata()
                assert left <= x.min() and x.max() <= right and bottom <= y.min() and y.max() <= top
        mesh = axes.collections[0].get_coordinates()  # the bins of the events
        lowest, highest = mesh[0, 0, 1], mesh[-1, 0, 1]
        for text in axes.texts:
            (_, under), (_, over) = axes.transData.inverted().transform(text.get_window_extent().get_points())
            assert over <= lowest or under >= highest, text.get_text()
