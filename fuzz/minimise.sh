#!/bin/sh
# Puts what a run learned into the seeds: `fuzz/minimise.sh TARGET…`. The fewest inputs that together reach every branch which the
# corpus reaches go to seeds/TARGET under their digests, 150 of them at most; seeds with names stay. Needs binaries of `fuzz/run.sh`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
target=${FUZZ_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice/fuzz-target}
corpora=${FUZZ_CORPORA:-$here/corpus}
# Bytes per target; an input that would be one too many is left out.
most=50000
cd "$here"
for name in "$@"; do
    chosen=$(mktemp -d)
    mkdir -p "seeds/$name"
    # Seeds with names count first; the digests are chosen anew.
    find "seeds/$name" -type f | grep -Ev '/[0-9a-f]{40}$' | xargs -r cp -t "$chosen"
    named=$(ls "$chosen")
    "$target/$host/release/$name" -set_cover_merge=1 -use_counters=0 -timeout=10 "$chosen" "seeds/$name" \
        "$corpora/$name" >"$chosen.log" 2>&1 || { cat "$chosen.log"; exit 1; }
    find "seeds/$name" -type f | grep -E '/[0-9a-f]{40}$' | xargs -r rm
    (cd "$chosen" && echo "$named" | xargs -r rm)
    bytes=0
    # A digest says nothing about an input, so the first ones are a fair sample.
    for file in $(ls "$chosen" | head -n 150); do
        size=$(wc -c <"$chosen/$file")
        [ $((bytes + size)) -le "$most" ] || continue
        bytes=$((bytes + size))
        cp "$chosen/$file" "seeds/$name/"
    done
    echo "$name: $(ls "seeds/$name" | wc -l) files, $(cat "seeds/$name"/* | wc -c) bytes"
    rm -r "$chosen" "$chosen.log"
done
