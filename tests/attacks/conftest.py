"""Everything in this folder is hostile or broken, and made here."""

from commands import refused, sentence

__all__ = ["refused", "sentence"]
