"""Saves the four databases while everything runs, and puts them back so that they agree.

No instant is common to four databases, and none is needed: each is read at one moment of its own, hearers before the
tellers they hear (see services/chassis/restores.py). A backup is one tar file: what it is, a dump of each database, and
on one machine the keys.
"""
