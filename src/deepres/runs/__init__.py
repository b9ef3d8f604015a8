"""One run on disk: what it is, how far it is, what it logged and what came of it."""
