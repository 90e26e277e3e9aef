#!/bin/sh
# From a bare system to a transcript: installs, builds, transcribes a real recording with the built-in
# engine, and says where everything is and what to try next. The data folder is kept in build/demo.
set -eu

cd "$(dirname "$0")/.."
seconds() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(seconds)" 'BEGIN { printf "%.1f", b - a }'; }

tools/bootstrap.sh build run demo

[ -x build/scripta ] || echo "Building; that takes a minute or two ..."
start=$(seconds)
tools/build.sh release >/dev/null
build_time=$(since "$start")

clips=/usr/share/pocketsphinx/test/data/librivox
clip=$clips/sense_and_sensibility_01_austen_64kb-0870.wav
[ -f "$clip" ] || { echo "demo: $clip is missing: apt-get install pocketsphinx-testdata" >&2; exit 1; }
data=$PWD/build/demo
mkdir -p "$data"

echo
echo "A LibriVox reading of \"Sense and Sensibility\" (Debian's pocketsphinx-testdata):"
echo "  $clip"
echo
text=$(mktemp)
trap 'rm -f "$text"' EXIT
start=$(seconds)
build/scripta --data "$data" transcribe --force "$clip" >"$text"
text_time=$(since "$start")
fold -s -w 76 "$text" | sed 's/^/    /'

# shellcheck disable=SC2046 # two words
set -- $(build/scripta --data "$data" --json jobs list -n 1 | python3 -c '
import json, sys
job = json.load(sys.stdin)["jobs"][0]
print(job["job_id"], job["transcript_id"])')
job=$1
transcript=$2
echo
echo "(Words as the built-in engine heard them: draft quality, US English.)"
echo
echo "The job"
build/scripta --data "$data" jobs show "$job" | sed 's/^/    /'
echo
echo "Its files, all under build/demo"
(cd "$data" && find . -type f \( -path './audio/*' -o -path './transcripts/*' -o -name 'scripta.db' \
    -o -path './logs/scripta.log' \) | sed 's,^\./,    build/demo/,' | sort)
cat <<END

What to try next
    alias scripta='$PWD/build/scripta --data $data'
    scripta transcribe FILE...                 # your own recordings
    scripta transcribe -f srt -o out.srt FILE  # captions
    scripta transcripts export -f srt $transcript     # the text above as captions
    scripta jobs events $job
    scripta serve --background --listen 127.0.0.1:8000
    curl -F file=@FILE http://127.0.0.1:8000/api/upload
    less README.md

Built in $build_time s; from the recording to its text in $text_time s.
END
