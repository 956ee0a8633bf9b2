"""The backbone under fire: facts go through the public doors while something dies, and every one is accounted for.

`rows.py` says what befalls, one line a row; `rig.py` is the platform under test; `crowd.py` asks, `befall.py` does the
harm, `history.py` compares what every service holds with what was asked. `days/` plays whole days while things die.
"""
