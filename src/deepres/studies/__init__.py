"""What the paper shows, as values: runs and the inequalities between them."""
