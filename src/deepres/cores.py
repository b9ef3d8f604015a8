"""How many processors this process may use; a container or `taskset` may have made them fewer."""

import os


def usable() -> int:
    """Those that the system lets it run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def counted(threads: int) -> str:
    """So many threads, in words."""
    return "1 thread" if threads == 1 else f"{threads} threads"
