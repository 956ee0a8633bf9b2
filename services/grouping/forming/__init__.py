"""The engine: who sits with whom. Plain values in, plain values out; it knows no web, no queue and no database.

`instances` reads and checks what is asked, `figures` counts what an answer is worth, `seating` keeps the hard
rules, `kernel` is the one place where two people change seats, and `formation`, `moves`, `distances`, `golfers`
are the four questions it answers. `certificates` recomputes an answer from the instance alone.
"""
