"""The day goes on while things die: each row ends one process of the street, and every promise is kept."""
