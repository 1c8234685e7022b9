#!/bin/sh
# Installs what the browser tests need and is not there yet: Chromium and a Chinese font (Debian), axe-core (npm).
set -eu
cd "$(dirname "$0")/../.."

missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v fc-list >/dev/null 2>&1 || missing="$missing fontconfig"
fc-list :lang=zh 2>/dev/null | grep -q . || missing="$missing fonts-noto-cjk"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "错误：缺少$missing，而这台机器没有 apt-get：请自行安装后重试" >&2; exit 2; }
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    echo "安装$missing"
    $as_root apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
[ -f node_modules/axe-core/axe.min.js ] ||
    npm install --no-save --no-package-lock --no-audit --no-fund --silent axe-core@4.10.3
