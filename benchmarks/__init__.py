"""How fast Reception is against a floor, in one run: `make bench`."""
