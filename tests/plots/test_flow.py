from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from tilseq.flow import Gating, gate
from tilseq.plots.flow import gates

TUBES = {
    "itn/itn_02.fcs": ["FSC-A (FSC), linear", "CD3, arcsinh", "CD4, arcsinh"],
    "pbmc_spectral_unmixed.fcs": ["FSC-A, linear", "CD3, arcsinh", "CD4, arcsinh", "CD19, arcsinh"],
    "flowsom_68983/68983.fcs": ["FSC-A, linear", "CD3 (PE-Cy7-A), arcsinh", "CD4 (PE-Texas Red-A), arcsinh"],
}


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
    quadrants = [text.get_text() for text in figure.axes[2].texts]
    total = gating.populations["CD3+"].events
    names = ["DN T", "CD4+ T", "CD8+ T", "DP T"]
    assert quadrants == [f"{name}\n{100 * gating.populations[name].events / total:.1f} %" for name in names]
    assert len(figure.axes[2].lines) == 2  # the cuts of CD4 and CD8
    drawn = svg(figure)
    assert len(drawn) < 150_000
    assert drawn == svg(gates(gating))


def test_a_name_is_drawn_as_it_is_written(shared_data: Path) -> None:
    figure = gates(gated(shared_data, "itn/itn_02.fcs"))
    assert figure.get_suptitle() == "<b>$x_1$"
    assert b"<b>" not in svg(figure)


def test_the_cut_stands_where_events_are_parted(shared_data: Path) -> None:
    import numpy as np

    from tilseq.flow.transform import arcsinh

    gating = gated(shared_data, "itn/itn_02.fcs", thresholds={"CD4": 50.0})
    line = gates(gating).axes[2].lines[0].get_xdata()
    assert np.allclose(line, arcsinh(50.0, gating.cofactors["CD4"]))


def test_a_panel_without_events_says_so(shared_data: Path) -> None:
    settings = {"CD3": 1e6, "FSC-A": 200.0, "SSC-A": 400.0, "CD4": 50.0, "CD8": 50.0}
    figure = gates(gated(shared_data, "itn/itn_02.fcs", thresholds=settings))
    assert figure.axes[2].get_title(loc="left") == "CD3+: 0 events"
    assert [text.get_text() for text in figure.axes[2].texts][0] == "DN T\nno events"
    assert svg(figure)
