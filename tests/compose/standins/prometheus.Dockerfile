# Stands in for prom/prometheus:v3.6.0: Debian's Prometheus (2.53) with the official image's program, folders, account and flags.
FROM palabre-standin/debian:trixie
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /etc/prometheus /prometheus && cp /usr/bin/prometheus /usr/bin/promtool /bin/ 2>/dev/null; \
    chown -R nobody:nogroup /etc/prometheus /prometheus
USER nobody
WORKDIR /prometheus
VOLUME /prometheus
EXPOSE 9090
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
