#!/bin/sh
# Makes the named servers nodes of the coordinator's cluster; those that are nodes already stay. Usage: join-cluster.sh NODE…
set -eu
secrets=/run/secrets
warehouse="host=coordinator dbname=warehouse user=postgres sslmode=verify-full sslrootcert=$secrets/cluster_certificate"
warehouse="$warehouse sslcert=$secrets/cluster_certificate sslkey=$secrets/cluster_key"
ask() {
    psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --set=node="${1:-}" "$warehouse"
}
echo "select citus_set_coordinator_host('coordinator', 5432)" | ask
for node in "$@"; do
    echo "select citus_add_node(:'node', 5432)" | ask "$node"
done
