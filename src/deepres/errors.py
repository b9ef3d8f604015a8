"""The two exceptions whose message is the whole story."""


class UserError(ValueError):
    """What you gave is at fault, and here is what would be right: one sentence, status 2."""


class Failed(RuntimeError):
    """What went wrong on the way, and what is left: the command line prints it, status 1."""
