#!/bin/sh
# Four databases and four roles; each role owns its database and cannot open another's. Where they are there already, the
# roles are given the passwords of today.
set -eu
for service in registration grouping feedback notifications; do
  variable="$(echo "$service" | tr '[:lower:]' '[:upper:]')_DB_PASSWORD"
  eval "file=\${${variable}_FILE:-}"
  if [ -n "$file" ]; then password="$(cat "$file")"; else eval "password=\${$variable:?}"; fi
  psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set role="$service" --set password="$password" <<'SQL'
select format('create role %I', :'role') where not exists (select from pg_roles where rolname = :'role') \gexec
alter role :"role" login password :'password';
select format('create database %I owner %I', :'role', :'role')
 where not exists (select from pg_database where datname = :'role') \gexec
revoke all on database :"role" from public;
SQL
done
