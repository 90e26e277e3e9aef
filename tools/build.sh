#!/bin/sh
# Configures (once) and builds one of the project's builds; prints its folder.
#   tools/build.sh release|bench|san|tsan|clang|fuzz|cov [NINJA TARGET…]
#   tools/build.sh clang-headers    only what clang-tidy needs: the commands and generated headers
# A folder that exists is used as it was configured.
set -eu

cd "$(dirname "$0")/.."
if [ $# -eq 0 ]; then
    echo "usage: tools/build.sh release|bench|san|tsan|clang|fuzz|cov [TARGET…]" >&2
    exit 2
fi
kind=$1
shift

case $kind in
release)
    dir=build
    options="-Doptimization=2 -Ddebug=false -Dtests=false"
    ;;
bench)
    dir=build-bench
    options="-Doptimization=2 -Ddebug=false -Dtests=false -Dbench=true"
    ;;
san)
    dir=build-san
    options="-Doptimization=1 -Ddebug=true -Dwerror=true -Dfaults=true -Dtest_hooks=true
        -Db_sanitize=address,undefined -Dc_args=-fno-sanitize-recover=undefined"
    ;;
tsan)
    dir=build-tsan
    options="-Doptimization=1 -Ddebug=true -Dwerror=true -Dfaults=true -Dtest_hooks=true -Db_sanitize=thread"
    ;;
clang | clang-headers)
    dir=build-clang
    CC=clang
    options="-Dbuildtype=debugoptimized -Dwerror=true -Dfaults=true -Dtest_hooks=true"
    ;;
fuzz)
    dir=build-fuzz
    CC=clang
    options="-Doptimization=1 -Ddebug=true -Dfuzz=true -Db_lundef=false
        -Db_sanitize=address,undefined
        -Dc_args=-fsanitize=fuzzer-no-link"
    ;;
cov)
    dir=build-cov
    options="-Doptimization=0 -Ddebug=true -Dfaults=true -Dtest_hooks=true -Db_coverage=true"
    ;;
*)
    echo "build: no build called '$kind'" >&2
    exit 2
    ;;
esac

log=$(mktemp)
ninja_pid=
# What runs behind a shell without job control does not hear of Ctrl-C.
end() {
    rm -f "$log"
    [ -z "$ninja_pid" ] || kill "$ninja_pid" 2>/dev/null || true
}
trap end EXIT
trap 'exit 130' INT TERM

configure() {
    echo "build: configuring $dir ..." >&2
    if ! "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        echo "build: '$*' failed" >&2
        exit 1
    fi
}

# A build takes minutes: a terminal sees ninja's own line, a log a line every ten seconds; both see
# what the compiler says when it fails.
build() {
    if [ -t 2 ]; then
        ninja -C "$dir" "$@" >&2 </dev/null && return 0
    else
        ninja -C "$dir" "$@" >"$log" 2>&1 </dev/null &
        ninja_pid=$!
        looks=0
        while kill -0 "$ninja_pid" 2>/dev/null; do
            sleep 0.2
            looks=$((looks + 1))
            [ $((looks % 50)) -ne 0 ] || echo "build: $dir $(tail -n 1 "$log" | cut -c 1-80)" >&2
        done
        if wait "$ninja_pid"; then
            ninja_pid=
            return 0
        fi
        ninja_pid=
        grep -v '^\[[0-9]*/[0-9]*\] ' "$log" >&2 || true
    fi
    echo "build: the build in $dir failed; above is why" >&2
    exit 1
}

if [ ! -e "$dir/build.ninja" ]; then
    [ -z "${CC:-}" ] || export CC
    # shellcheck disable=SC2086 # the options are words
    configure meson setup "$dir" $options
fi
if [ "$kind" = clang-headers ]; then
    # shellcheck disable=SC2046 # one word for each target
    set -- $(ninja -C "$dir" -t targets all |
        sed -n 's/^\(src[^:]*\.\(h\|inc\|def\)\): CUSTOM_COMMAND.*/\1/p')
    [ $# -gt 0 ] || { echo "$dir"; exit 0; }
fi
build "$@"
echo "$dir"
