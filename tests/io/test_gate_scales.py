"""Scales of gates: their range by GatingML 2.0, section 6.

What the standard allows is written out by hand from its text: T > 0, M > 0, 0 ≤ W ≤ M/2 and -W ≤ A ≤ M - 2W of logicle
and hyperlog, 0 ≤ A ≤ T of flin, 0 ≤ A ≤ M of fasinh.
"""

from typing import Any

import pytest

from tilseq.gates import LOG10, Scale
from tilseq.io.gate_scales import scale_fault


@pytest.mark.parametrize(
    "scale",
    [
        LOG10,
        Scale("flin", (10000.0, 500.0)),
        Scale("flin", (1.0, 1.0)),
        Scale("fasinh", (10000.0, 4.0, 1.0)),
        Scale("fasinh", (10000.0, 4.0, 4.0)),
        Scale("logicle", (262144.0, 0.0, 4.5, 0.0)),
        Scale("logicle", (262144.0, 2.25, 4.5, 0.0)),
        Scale("logicle", (262144.0, 1.0, 4.5, -1.0)),
        Scale("logicle", (262144.0, 1.0, 4.5, 2.5)),
        Scale("logicle", (262144.0, 0.7, 4.6, 3.2)),  # 4.6 - 1.4 is a little less than 3.2
        Scale("hyperlog", (10000.0, 1.0, 4.5, 0.0)),
        Scale("FlowJo biex", (0.0, -100.0, 4.42, 262144.0)),
    ],
)
def test_scales_of_the_standard(scale: Scale) -> None:
    assert scale_fault(scale) is None


@pytest.mark.parametrize(
    ("kind", "parameters", "fault"),
    [
        ("flin", (0.0, 0.0), "T of 0, not 1e-09 to 1e+15"),
        ("flin", (100.0, -1.0), "A of -1, not 0 to 100"),
        ("flin", (100.0, 101.0), "A of 101, not 0 to 100"),
        ("flog", (-1.0, 4.0), "T of -1, not 1e-09 to 1e+15"),
        ("flog", (100.0, 0.0), "M of 0, not 0.01 to 30"),
        ("fasinh", (100.0, 4.0, 5.0), "A of 5, not 0 to 4"),
        ("fasinh", (100.0, 400.0, 0.0), "M of 400, not 0.01 to 30"),
        ("logicle", (1e300, 0.5, 4.5, 0.0), "T of 1e+300, not 1e-09 to 1e+15"),
        ("logicle", (262144.0, 3.0, 4.5, 0.0), "W of 3, not 0 to 2.25"),
        ("logicle", (262144.0, -0.5, 4.5, 0.0), "W of -0.5, not 0 to 2.25"),
        ("logicle", (262144.0, 0.5, 4.5, -1.0), "A of -1, not -0.5 to 3.5"),
        ("logicle", (262144.0, 0.5, 4.5, 4.0), "A of 4, not -0.5 to 3.5"),
        ("logicle", (float("nan"), 0.5, 4.5, 4.0), "T of nan, not 1e-09 to 1e+15"),
        ("hyperlog", (262144.0, 0.0, 4.5, 0.0), "W of 0, not 1e-09 to 2.25"),
        ("hyperlog", (262144.0, 1.0, 1.0, 0.0), "W of 1, not 1e-09 to 0.5"),
    ],
)
def test_scales_out_of_the_standards_range(kind: Any, parameters: tuple[float, ...], fault: str) -> None:
    assert scale_fault(Scale(kind, parameters)) == f"the scale {kind} with {fault}"
