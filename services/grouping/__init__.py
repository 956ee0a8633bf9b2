"""Who sits with whom: listening angles, rounds, groups, and what the circles wrote."""
