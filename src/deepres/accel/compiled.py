"""The forward and backward pass as one compiled program.

The update stays outside: it is a hundredth of the step, and a rate inside would be frozen into
the program at its first value.
"""

import torch

from ..train import Forward


def compiled(forward: Forward) -> Forward:
    """The same pass, compiled at its first call: a minute for 20 layers, more for more.

    What was compiled for another network before is forgotten: torch keeps only a few programs for
    one function, and silently runs the next ones uncompiled.
    """
    torch.compiler.reset()
    program: Forward = torch.compile(forward, dynamic=False)
    return program
