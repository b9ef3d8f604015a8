"""A trained network as one file for others to run, compared with the network before it is kept."""
