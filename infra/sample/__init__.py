"""Fictional people for the sample gathering and for the day we play."""
