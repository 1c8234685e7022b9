#!/bin/sh
# Citus in the warehouse, on the first start of an empty server.
set -eu
psql --quiet --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname warehouse --command 'create extension citus'
