"""The one exception that means: what you gave is at fault, and here is what would be right."""


class UserError(ValueError):
    """One sentence for the user; the command line prints it alone and exits with status 2."""
