"""Gates of real tubes, beside what is known of them."""

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from tilseq.errors import AnalysisError
from tilseq.flow import cd4_cd8_ratio, gate
from tilseq.flow.gated import Gating
from tilseq.populations import rule

ITN = [f"itn_{number:02}" for number in range(1, 9)]


def numbers(gating: Gating) -> dict[str, int]:
    return {name: one.events for name, one in gating.populations.items()}


@pytest.mark.parametrize("name", ITN)
def test_whole_blood_is_gated_unaided(shared_data: Path, name: str) -> None:
    from tilseq.io.fcs import read_fcs

    gating = gate(read_fcs(shared_data / "flow" / "itn" / f"{name}.fcs"), sample=name)
    found = numbers(gating)
    ratio = cd4_cd8_ratio(gating).value
    assert ratio is not None
    assert 0.9 <= ratio <= 10
    assert found["DP T"] <= 0.04 * found["CD3+"]
    assert 0.01 * found["CD3+"] <= found["DN T"] <= 0.13 * found["CD3+"]


def test_of_eight_whole_blood_tubes_one_at_most_is_flagged(shared_data: Path) -> None:
    from tilseq.io.fcs import read_fcs

    flagged = []
    for name in ITN:
        quality = gate(read_fcs(shared_data / "flow" / "itn" / f"{name}.fcs"), sample=name).quality
        # These files hold no spillover, which is told of each.
        told = quality.filter(pl.col("verdict") != "pass", pl.col("check") != "compensation")
        flagged += [name] if told.height else []
    assert len(flagged) <= 1, flagged


def test_spectral_blood_cells(shared_data: Path) -> None:
    from tilseq.io.fcs import read_fcs

    gating = gate(read_fcs(shared_data / "flow" / "pbmc_spectral_unmixed.fcs"), sample="pbmc")
    found = numbers(gating)
    assert 0.60 <= found["CD3+"] / found["live"] <= 0.66
    assert found["DP T"] <= 0.03 * found["CD3+"]
    assert found["CD4+ T"] / found["CD3+"] == pytest.approx(0.43, abs=0.02)
    assert found["CD8+ T"] / found["CD3+"] == pytest.approx(0.51, abs=0.03)


def f1(truth: np.ndarray, found: np.ndarray) -> float:
    return float(2 * np.sum(truth & found) / (truth.sum() + found.sum()))


def test_agrees_with_an_experts_gates(shared_data: Path) -> None:
    from tilseq.io.fcs import read_fcs

    folder = shared_data / "flow" / "flowsom_68983"
    with open(folder / "manual_labels.csv", newline="") as stream:
        labels = np.array([row[0] for row in csv.reader(stream)])
    gating = gate(read_fcs(folder / "68983.fcs"), sample="mouse")
    for label, name, least in (
        ("CD4 T cells", "CD4+ T", 0.97),
        ("CD8 T cells", "CD8+ T", 0.95),
        ("B cells", "B", 0.97),
    ):
        assert f1(labels == label, gating.populations[name].mask) >= least, name
    ratio = cd4_cd8_ratio(gating).value
    assert ratio == pytest.approx(7487 / 1407, rel=0.08)


def test_agrees_better_where_the_tree_leaves_out_what_the_expert_did(shared_data: Path) -> None:
    from tilseq.io.fcs import read_fcs
    from tilseq.study.settings import Panel

    folder = shared_data / "flow" / "flowsom_68983"
    with open(folder / "manual_labels.csv", newline="") as stream:
        labels = np.array([row[0] for row in csv.reader(stream)])
    # The panel of docs/flow.md, as it stands there.
    page = (Path(__file__).parents[2] / "docs" / "flow.md").read_text()
    panel = Panel.model_validate(
        yaml.safe_load(page.split("<!-- panel of the mouse tube -->\n```yaml\n")[1].split("```")[0])
    )
    gating = gate(
        read_fcs(folder / "68983.fcs"),
        sample="mouse",
        aliases=panel.markers,
        populations={name: rule(one.parent, *one.markers) for name, one in panel.populations.items()},
    )
    for label, name in (("CD4 T cells", "CD4+ T"), ("CD8 T cells", "CD8+ T")):
        assert f1(labels == label, gating.populations[name].mask) >= 0.97, name
    assert cd4_cd8_ratio(gating).value == pytest.approx(7487 / 1407, rel=0.06)
    assert not gating.quality["check"].str.contains("population").any()


def test_a_tube_without_two_cd3_populations_is_refused(shared_data: Path) -> None:
    from tilseq.io.fcs import read_fcs

    with pytest.raises(
        AnalysisError, match="column R780-A: .*percentile on the linear scale are -1044.45, 154.623, 1958.9"
    ):
        gate(read_fcs(shared_data / "flow" / "tcell_memory_16c_10k.fcs"), sample="s1")
