#!/bin/sh
# Compares our Whisper engine with libwhisper: parity.sh [PREFIX]
# PREFIX: where a libwhisper is unpacked with its pkg-config files; without, the system's is taken.
# GOLDEN_UPDATE=1: its answers for one model are written down for the unit tests.
# A PREFIX that brings its own C library is run with that one.
set -eu

cd "$(dirname "$0")/.."
prefix=${1:-}
clips=/usr/share/pocketsphinx/test/data/librivox
clip=${CLIP:-$clips/sense_and_sensibility_01_austen_64kb-0870.wav}
[ -f "$clip" ] || { echo "parity: $clip is missing: apt-get install pocketsphinx-testdata" >&2; exit 1; }
modules="whisper transcript config zip json yaml sys base"
archives=
for module in $modules; do
    archives="$archives src/$module/libsc_$module.a"
done
# Words of names, one each.
# shellcheck disable=SC2086
build=$(tools/build.sh release $archives | tail -n 1)
folder=$build/parity
mkdir -p "$folder"

backends=
set --
if [ -n "$prefix" ]; then
    libs=$(dirname "$(find "$prefix" -name libwhisper.so | head -n 1)")
    [ -f "$libs/libwhisper.so" ] || { echo "parity: no libwhisper in $prefix" >&2; exit 1; }
    export PKG_CONFIG_PATH="$libs/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$prefix"
    backends=$(find "$libs/ggml" -maxdepth 1 -name 'backends*' 2>/dev/null | head -n 1)
    set -- -Wl,--allow-shlib-undefined -Wl,--disable-new-dtags \
        "-Wl,-rpath,$libs:$libs/openblas-pthread"
    loader=$(find "$libs" -maxdepth 1 -name 'ld-linux*.so*' | head -n 1)
    [ -z "$loader" ] || set -- "$@" "-Wl,--dynamic-linker=$loader"
fi
# Words of flags, one each.
# shellcheck disable=SC2046,SC2086
${CC:-cc} -std=gnu17 -O2 -D_GNU_SOURCE -Wall -Wextra -iquote src -iquote tests/unit/whisper \
    -iquote tests/parity $(pkg-config --cflags whisper ggml) \
    tests/parity/*.c tests/unit/whisper/model.c -o "$folder/parity" \
    -Wl,--start-group $(printf "$build/%s " $archives) -Wl,--end-group \
    "$@" $(pkg-config --libs whisper ggml) -Wl,--as-needed \
    $(env -u PKG_CONFIG_PATH -u PKG_CONFIG_SYSROOT_DIR pkg-config --libs jansson gnutls libseccomp zlib yaml-0.1) \
    -lm -lpthread
[ -z "${GOLDEN_UPDATE:-}" ] || export GOLDEN="$PWD/tests/golden/whisper/reference.txt"
exec "$folder/parity" "$clip" "$folder" ${backends:+"$backends"}
