"""How fast, and beside it how fast it could be: each figure with its raw ceiling from the same run."""
