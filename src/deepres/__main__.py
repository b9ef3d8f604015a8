"""`python -m deepres`, which is how `torchrun -m deepres train ...` starts it."""

from .cli import main

main()
