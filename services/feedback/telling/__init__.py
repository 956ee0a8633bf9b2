"""Telling the day: sentences drawn from what is known, each beside its evidence. Plain values only."""
