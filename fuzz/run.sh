#!/bin/sh
# Runs fuzz targets with plain nightly cargo: `fuzz/run.sh SECONDS [TARGET…]`, all targets by default. What libFuzzer finds
# goes to fuzz/artifacts. `cargo +nightly fuzz run TARGET` works as well where cargo-fuzz is installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
seconds=${1:-60}
[ $# -eq 0 ] || shift
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
# A folder of its own: nothing built with these flags serves any other build.
target=${FUZZ_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice/fuzz-target}
passes="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
passes="$passes -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
passes="$passes -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
cd "$here"
RUSTFLAGS="$passes" cargo +nightly build --release --bins --target "$host" --target-dir "$target"
[ $# -gt 0 ] || set -- $(ls fuzz_targets | sed 's/\.rs$//')
for name in "$@"; do
    mkdir -p "corpus/$name" "artifacts/$name"
    seeds=""
    [ ! -d "seeds/$name" ] || seeds="seeds/$name"
    echo "== $name, $seconds s"
    "$target/$host/release/$name" "corpus/$name" $seeds -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 \
        -artifact_prefix="artifacts/$name/" -print_final_stats=1
done
