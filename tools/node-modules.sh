#!/bin/sh
# Installs what tests/node/package-lock.json names into tests/node/node_modules, unless it is there.
set -eu

cd "$(dirname "$0")/../tests/node"
done=node_modules/.installed
if [ -e "$done" ] && cmp -s package-lock.json "$done"; then
    exit 0
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    echo "node-modules: npm could not install what the end-to-end tests need" >&2
    exit 1
fi
cp package-lock.json "$done"
