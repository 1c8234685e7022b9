#!/bin/sh
# A base backup into /backup/base/<moment>, and WAL older than the oldest one kept removed. Usage: base-backup.sh [KEEP]
set -eu
keep=${1:-4}
umask 077
base=/backup/base
name=$(date +%Y%m%dT%H%M%S)
mkdir -p "$base"
rm -rf "$base"/*.writing
pg_basebackup --pgdata="$base/$name.writing" --format=tar --gzip --checkpoint=fast --wal-method=none --manifest-checksums=sha256
mv "$base/$name.writing" "$base/$name"
ls -1d "$base"/*T* | sort -r | tail -n "+$((keep + 1))" | while read -r old; do rm -rf "$old"; done
oldest=$(ls -1d "$base"/*T* | sort | head -n 1)
label=$(tar --extract --gzip --to-stdout --file="$oldest/base.tar.gz" backup_label)
first=$(printf '%s\n' "$label" | sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p')
[ -z "$first" ] || pg_archivecleanup /backup/wal "$first"
echo "$base/$name"
