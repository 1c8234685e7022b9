#!/bin/sh
# An account and a folder for every department that has a public key in /etc/sftp/keys/<department>.
#
# All accounts have the uid of the warehouse (50000), whose folders and receipts are private (0700, 0600); what keeps
# departments apart is the chroot, whose folder belongs to root, and that there is no shell. A new key needs a restart.
set -eu
for key in /etc/sftp/keys/*; do
    [ -f "$key" ] || continue
    name=$(basename "$key")
    case $name in
        [a-z]*) ;;
        *) echo "not a department: $name" >&2; exit 1 ;;
    esac
    id "$name" >/dev/null 2>&1 \
        || useradd --non-unique --uid 50000 --gid 50000 --no-create-home --home-dir / --shell /usr/sbin/nologin "$name"
    install -d -o root -g root -m 0755 /srv/landing "/srv/landing/$name"
    for folder in inbox receipts; do
        install -d -o 50000 -g 50000 -m 0700 "/srv/landing/$name/$folder"
    done
done
install -d -o root -g root -m 0755 /srv/landing/_unknown
install -d -o 50000 -g 50000 -m 0700 /srv/landing/_unknown/receipts
exec /usr/sbin/sshd -D -e
