#!/bin/sh
# Installs the Debian packages that a group of tools/packages.txt names and that are missing.
#   tools/bootstrap.sh build run test
# Needs root or sudo only when something is missing; SCRIPTA_NO_INSTALL=1 leaves the system alone.
# shellcheck disable=SC2086 # lists of packages are split into words on purpose
set -eu

list=$(dirname "$0")/packages.txt
[ $# -gt 0 ] || { echo "usage: tools/bootstrap.sh GROUP… (groups of $list)" >&2; exit 2; }
[ -z "${SCRIPTA_NO_INSTALL:-}" ] || exit 0

wanted=
for group in "$@"; do
    grep -q "^$group " "$list" || { echo "bootstrap: no group '$group' in $list" >&2; exit 2; }
    while read -r name package instead; do
        [ "$name" = "$group" ] || continue
        [ -n "$instead" ] && command -v "$instead" >/dev/null && continue
        wanted="$wanted $package"
    done <"$list"
done
[ -n "$wanted" ] || exit 0
wanted=$(printf '%s\n' $wanted | sort -u)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "bootstrap: this is no Debian; install these by their names here, then set" >&2
    echo "SCRIPTA_NO_INSTALL=1:" $wanted >&2
    exit 1
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
    awk '$1 == "installed" { print $2 }' | sort -u) || true
missing=
for package in $wanted; do
    printf '%s\n' "$installed" | grep -qx "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "bootstrap: these packages are missing and only root can install them; run" >&2
        echo "    apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" \
        >"$log" 2>&1 </dev/null
}

echo "bootstrap: installing$missing"
# A list of packages that is missing or old shows as a failed installation.
if ! apt install -y --no-install-recommends $missing; then
    if ! apt update || ! apt install -y --no-install-recommends $missing; then
        cat "$log" >&2
        echo "bootstrap: apt-get could not install$missing" >&2
        exit 1
    fi
fi
