#!/bin/sh
# As the official image: options alone are options of the server, and root hands over to the account valkey.
set -eu
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then set -- valkey-server "$@"; fi
if [ "$1" = valkey-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user valkey -exec chown valkey: {} +
  exec setpriv --reuid=valkey --regid=valkey --init-groups "$0" "$@"
fi
umask 0077
exec "$@"
