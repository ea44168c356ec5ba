"""Fixtures for all tests."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

from tests.commands import tilseq

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data kept beside the project; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("TILSEQ_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set TILSEQ_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that gives the folder of a name; the first process of the tests that asks fills it for all.

    What it holds is for reading: a test that changes something copies it first.
    """
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "made_once"
    root.mkdir(exist_ok=True)

    def folder_of(name: str, fill: Callable[[Path], None]) -> Path:
        folder, whole = root / name, root / f"{name}.whole"
        with open(root / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                whole.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def small_study(made_once) -> Path:
    """A simulated study that is quick to run."""
    size = ("--subjects", "1", "--visits", "baseline,D7,D28", "--cells", "3000", "--depth", "2000", "--seed", "7")

    def simulate(folder: Path) -> None:
        done = tilseq("simulate", folder / "study", "--assays", "flow,tcr,clinic", *size)
        assert done.returncode == 0, done.stderr

    return made_once("small_study", simulate) / "study"


@pytest.fixture(scope="session")
def small_run(made_once, small_study) -> SimpleNamespace:
    """The unbroken run of the small study, on two cores, which other runs are held against."""

    def run(folder: Path) -> None:
        environment = {**os.environ, "PYTHONHASHSEED": "27"}
        done = tilseq("run", small_study, "-o", folder / "out", "--cores", "2", env=environment)
        assert done.returncode == 0, done.stderr

    return SimpleNamespace(study=small_study, out=made_once("small_run", run) / "out")
