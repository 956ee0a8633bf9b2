"""Who comes: gatherings, seats, stories and topics, check-in, and the portal where people take their place."""
