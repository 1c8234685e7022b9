#!/bin/sh
# The owner of the warehouse and its database, on the first start of an empty server.
set -eu
password=$(cat /run/secrets/etl_password)
psql --quiet --set=ON_ERROR_STOP=1 --set=password="$password" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
create role etl login createdb createrole password :'password';
create database warehouse owner etl template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' locale 'C';
revoke all on database warehouse from public;
SQL
