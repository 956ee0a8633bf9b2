"""The reference day, played through the public doors only: pages, letters, links."""
