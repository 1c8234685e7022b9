#!/bin/sh
# Makes the secrets of a deployment once, in docker/secrets (0700), each readable by the account that uses it alone.
# Run as root on the server; what exists stays. A certificate of your own: put it in place before or afterwards.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets sftp-keys

# name, length in bytes
random() {
    [ -s "secrets/$1" ] || openssl rand -hex "$2" | tr -d '\n' >"secrets/$1"
}

random postgres_password 24
random etl_password 24
random broker_password 24
printf 'postgresql://etl:%s@postgres:5432/warehouse' "$(cat secrets/etl_password)" >secrets/warehouse_dsn
printf 'redis://:%s@broker:6379/0' "$(cat secrets/broker_password)" >secrets/broker_url
printf 'requirepass %s\nappendonly yes\n' "$(cat secrets/broker_password)" >secrets/broker_conf
[ -s secrets/sftp_host_key ] || ssh-keygen -q -t ed25519 -N '' -C weihai-sftp -f secrets/sftp_host_key
[ -s secrets/tls_key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
    -subj "/CN=${WEIHAI_HOST:-localhost}" -addext "subjectAltName=DNS:${WEIHAI_HOST:-localhost}" \
    -keyout secrets/tls_key -out secrets/tls_certificate 2>/dev/null
[ -s secrets/cluster_key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -subj "/CN=weihai-cluster" -addext "subjectAltName=DNS:coordinator,DNS:node-1,DNS:node-2" \
    -keyout secrets/cluster_key -out secrets/cluster_certificate 2>/dev/null
if [ ! -s secrets/portal_users ]; then
    password=$(openssl rand -base64 12)
    printf 'weihai:%s\n' "$(openssl passwd -6 "$password")" >secrets/portal_users
    echo "portal: user weihai, password $password (shown once)"
fi

# a secret belongs to the account in the container that reads it: postgres 999, the warehouse 50000, nginx 101
owner() {
    account=$1
    shift
    for name in "$@"; do
        chmod 0400 "secrets/$name"
        [ "$(id -u)" -ne 0 ] || chown "$account:$account" "secrets/$name"
    done
}
owner 999 postgres_password etl_password broker_conf cluster_certificate cluster_key
owner 50000 warehouse_dsn broker_url
owner 101 tls_certificate tls_key portal_users
owner 0 sftp_host_key broker_password
