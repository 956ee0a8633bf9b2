"""Registration for programs: JSON in, JSON out; problem+json when something is refused."""
