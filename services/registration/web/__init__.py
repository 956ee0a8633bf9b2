"""Registration for people: the portal, the public page, one's own place, and the organisers' pages."""
