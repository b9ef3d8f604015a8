"""What was run, as pages that open anywhere: one file each, nothing fetched from elsewhere."""
