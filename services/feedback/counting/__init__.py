"""Counting answers so that no count can betray a person: plain numbers in, plain numbers out."""
