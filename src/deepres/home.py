"""~ in the names of files."""

import os
from pathlib import Path


def at_home(name: str | Path) -> Path:
    """~ is the user's home; a ~NAME of nobody is a file's name, as a shell has it."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path's own raises
