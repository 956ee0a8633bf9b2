# Stands in for caddy:2-alpine: Debian's Caddy with the official image's folders, environment and command.
FROM palabre-standin/debian:trixie
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends caddy wget && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /config/caddy /data/caddy /etc/caddy /srv
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
EXPOSE 80 443 443/udp
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
