"""Pictures of any size: listed, each read when it is wanted, cut as Sec. 3.4 cuts them."""
