"""What all tests share: real data only where DEEPRES_DATA points."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("shared machines", deadline=None)
settings.load_profile("shared machines")

# Threads that spin while they wait make a step eight times as slow once two tests share a machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported


@pytest.fixture(scope="session")
def real_data():
    """The folder with cifar10, imagenette and weights; a test that needs it skips without."""
    if not os.environ.get("DEEPRES_DATA"):
        pytest.skip("needs real data: DEEPRES_DATA names no folder")
    return Path(os.environ["DEEPRES_DATA"])


def pytest_collection_modifyitems(items):
    """Whole commands first: two processes that share the files then end together."""
    items.sort(key=lambda item: "end_to_end" not in item.nodeid)
