"""What the pages are made of: values, tables, pictures, the index, and the checks on them."""
