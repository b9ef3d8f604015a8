"""Everything in this folder is hostile or broken, and made here."""

from commands import refused

__all__ = ["refused"]
