"""What users of residual networks argue about, each a study of named differences."""
