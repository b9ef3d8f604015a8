"""How threads wait for one another: spinning is fast on an idle machine, ruinous on a busy one.

With a core for each thread, threads that spin train 1.2 to 1.6 times as fast as threads that
sleep; with one other process they take its core from the thread they wait for, and train half as
fast (bench/waiting.py). OpenMP reads the policy when torch is imported and keeps it.
"""

import os
import time
from collections.abc import MutableMapping
from pathlib import Path

from ..cores import usable

LOAD = Path("/proc/loadavg")
LOOKS, APART = 5, 0.002  # seconds: what runs for an instant is no reason


def settle(environment: MutableMapping[str, str]) -> None:
    """Lets threads sleep where others compute too; what the user has set stays."""
    if not environment.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} and others_running():
        environment["OMP_WAIT_POLICY"] = "PASSIVE"


def others_running() -> bool:
    """Whether more threads want to run than there are cores, at each of a few looks."""
    for look in range(LOOKS):
        if look:
            time.sleep(APART)
        if not _crowded():
            return False
    return True


def _crowded() -> bool:
    """Whether that is so now, once ours run on all the cores that we may use."""
    try:
        running = int(LOAD.read_text().split()[3].split("/")[0])
    except (OSError, IndexError, ValueError):
        return False  # not Linux: its OpenMP is another one, which sleeps soon
    return running - 1 + usable() > (os.cpu_count() or 1)
