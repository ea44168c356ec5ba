"""The built wheel, installed outside the clone, makes, checks and runs a study."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ("--subjects", "1", "--visits", "D28", "--cells", "3000", "--depth", "1000", "--single-cells", "100")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_it_holds_every_module_and_the_pipelines(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = subprocess.check_output(["git", "ls-files", "tilseq", "pipelines"], cwd=ROOT, text=True).split()
    wanted = {name if name.startswith("tilseq/") else f"tilseq/{name}" for name in tracked}
    assert wanted - held == set()
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "tilseq = tilseq.cli:main" in archive.read(entry_points).decode()


def test_it_runs_outside_the_clone(wheel, tmp_path):
    """Only tilseq comes from the wheel; what it depends on comes from this environment."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def tilseq(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "tilseq", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )

    where = subprocess.check_output(
        [sys.executable, "-c", "import tilseq; print(tilseq.__file__)"], cwd=tmp_path, env=environment, text=True
    )
    assert where.strip() == str(site / "tilseq" / "__init__.py")
    assert tilseq("init", "study").returncode == 0
    checked = tilseq("check", "study")
    assert checked.returncode == 0, checked.stderr
    assert tilseq("simulate", "trial", *SMALL).returncode == 0
    run = tilseq("run", "trial", "-o", "out")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out" / "report.html").exists()
