"""A trained network over HTTP: requests gathered into batches, and a page that looks inside."""
