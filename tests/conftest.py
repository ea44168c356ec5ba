"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
