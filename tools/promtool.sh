#!/bin/sh
# Prints where promtool is. Debian has it in the package of the whole server, which would be started
# by its installation; so this one file is taken out of the package, into .cache/promtool.
set -eu

cd "$(dirname "$0")/.."
if command -v promtool; then
    exit 0
fi
folder=$PWD/.cache/promtool
if [ -x "$folder/promtool" ]; then
    echo "$folder/promtool"
    exit 0
fi
if [ -n "${SCRIPTA_NO_INSTALL:-}" ] || ! command -v apt-get >/dev/null; then
    echo "promtool: install the program promtool (Debian has it in the package prometheus)" >&2
    exit 1
fi

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
# A list of packages that is missing or old shows as a failed download.
fetch() {
    (cd "$work" && apt-get -qq download prometheus) >"$work/log" 2>&1 </dev/null
}
if ! fetch && ! { $as_root apt-get -qq update >"$work/log" 2>&1 </dev/null && fetch; }; then
    cat "$work/log" >&2
    echo "promtool: apt-get could not download the package prometheus" >&2
    exit 1
fi
mkdir -p "$folder"
dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work" ./usr/bin/promtool
mv "$work/usr/bin/promtool" "$folder/promtool"
echo "$folder/promtool"
