"""The whole street on one machine without root: a broker, four services, their workers and relays, kept alive.

    launcher ── zygote ─┬─ broker          Valkey, from its wheel
                        ├─ web.1           gunicorn's worker: the four services behind one address
                        ├─ <service>.worker, notifications.mail, relays
                        └─ prepare, greet  once at each start

The launcher is small and decides: it listens on the public address, says what is to run and starts again what
ended. The zygote is large and obeys: it has read every service's code once, and each child is a fork of it, so
code is in memory once and a child starts in milliseconds. Each of the two starts the other again when it is
killed, and every other process lives on meanwhile; the public address keeps listening through all of it.
"""
