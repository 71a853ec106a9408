#!/usr/bin/env bash
# Passes the tests on a fresh Debian 12 machine: installs what is missing (as root) or names it, then formats, lints, tests.
# SLUICE_TIER=drill runs the full figures instead of the reduced ones, see tests/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

# What each command comes from. The Java parts are for Apache Kafka and Kafka Connect, which the tests compare with.
declare -A package_of=(
  [cc]=build-essential [perl]=perl [git]=git [javac]=openjdk-17-jdk-headless [mvn]=maven [go]=golang-go [setpriv]=util-linux [python3]=python3
)
missing=()
for command in "${!package_of[@]}"; do
  command -v "$command" >/dev/null 2>&1 || missing+=("${package_of[$command]}")
done
# A module without a command of its own; the tests put Confluent's client into a virtual environment.
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)
# The server's programs are not in the PATH; the tests start servers of their own, never the package's cluster.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql-15)
if ! command -v cargo >/dev/null 2>&1; then
  echo "cargo is missing: install rustup (https://rustup.rs), it brings the pinned toolchain" >&2
  exit 1
fi
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "these Debian packages are missing: ${missing[*]}" >&2
    echo "install them with: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# Build output outlives the checkout, so that a second clean clone builds only what changed.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice/target}"

results="$(mktemp)"
lints="$(mktemp)"
clippy=
# Whoever ends this early ends the lints as well.
trap '[ -z "$clippy" ] || kill "$clippy" 2>/dev/null || true; rm -f "$results" "$lints"' EXIT

cargo fmt --all --check
# Together, so that the crates that the tests need with more features are not built twice.
cargo build --release --workspace --bins --tests
# Most tests wait for servers: the lints take what they leave of the cores, once nothing is to be built for the tests.
{
  until grep -q '^running ' "$results"; do sleep 1; done
  exec nice -n 19 cargo clippy --release --workspace --all-targets -- -D warnings >"$lints" 2>&1
} &
clippy=$!
RUST_TEST_THREADS=3 cargo test --release --workspace 2>&1 | tee "$results"
wait "$clippy" || { cat "$lints"; exit 1; }
# The bench, as small as it gets: only to see that it works.
"$CARGO_TARGET_DIR/release/sluice-bench" --small
awk '/^test result:/ { passed += $4; failed += $6 } END { printf "%d passed, %d failed\n", passed, failed }' "$results"
