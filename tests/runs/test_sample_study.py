"""The faults planted in a simulated study are told, and stop nothing."""

from pathlib import Path

import polars as pl
import pytest

from tests.commands import tilseq

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def faults(study, out):
    """Run a study whose run must end well; return what failed its quality, and the masses of blood by sample."""
    done = tilseq("run", study, "-o", out)
    assert done.returncode == 0, done.stderr
    tables = out / "tables"
    quality = pl.read_parquet(tables / "quality.parquet").filter(verdict="fail")
    masses = pl.read_parquet(tables / "persistence.parquet").filter(measure="mass", locus="TRB")
    return quality.select("sample", "check").rows(), dict(masses.select("sample", "value").iter_rows())


def test_a_shallow_library_fails_and_a_swapped_pair_has_no_mass(tmp_path):
    (tmp_path / "design.yaml").write_text("""\
subjects: 2
assays: [tcr]
visits: [baseline, D7, D28]
depth: 1500
memory_clones: 500
confounders:
  failed_library: {sample: SIM-02_D28_tcr, depth: 40}
  swapped_pair: {samples: [SIM-01_D7_tcr, SIM-02_D7_tcr]}
""")
    done = tilseq("simulate", tmp_path / "study", "--design", tmp_path / "design.yaml")
    assert done.returncode == 0, done.stderr
    failed, masses = faults(tmp_path / "study", tmp_path / "out")
    swapped = ("SIM-01_D7_tcr", "SIM-02_D7_tcr")
    of_swapped = [(name, check) for name in swapped for check in ("identity", "persistence")]
    assert failed == sorted([*of_swapped, ("SIM-02_D28_tcr", "depth")])
    assert not set(swapped) & set(masses)
    assert masses["SIM-01_D28_tcr"] > 0.2


@pytest.mark.slow
def test_the_sample_study(tmp_path):
    failed, masses = faults(SAMPLE, tmp_path / "out")
    swapped = ("SIM-03_D7_tcr", "SIM-04_D7_tcr")
    of_swapped = [(name, check) for name in swapped for check in ("identity", "persistence")]
    assert failed == sorted([*of_swapped, ("SIM-02_D28_tcr", "depth")])
    assert not set(swapped) & set(masses)
    assert min(value for name, value in masses.items() if name.endswith("_D7_tcr")) > 0.2
    samples = pl.read_parquet(tmp_path / "out" / "tables" / "samples.parquet")
    assert samples.filter(pl.col("state").is_in(["failed", "not_available"])).height == 0
