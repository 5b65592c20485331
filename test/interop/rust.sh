#!/bin/sh
# Runs the tests against the reference relay and client, moq-relay and moq, which cargo builds from
# crates.io in the versions below. That takes 20 minutes or more on a small machine, so it is
# done only when asked for:
#
#   test/interop/rust.sh install   # builds what is missing, then runs the tests
#   test/interop/rust.sh           # runs the tests when everything is there, else says that it did not
#
# The programs are kept in ${MOQRX_RUST:-~/.cache/moqrx/rust}, outside the checkout.
set -eu

relay=0.17.8
cli=0.14.8

cd "$(dirname "$0")/../.."
MOQRX_RUST=${MOQRX_RUST:-${XDG_CACHE_HOME:-$HOME/.cache}/moqrx/rust}
export MOQRX_RUST

skip() {
	echo '##############################################################################'
	echo "# RUST PEERS SKIPPED: $1"
	echo '##############################################################################'
	exit 0
}

# has tells whether a program is there in its version.
has() { grep -q "^\"$1 $2 " "$MOQRX_RUST/.crates.toml" 2>/dev/null; }

# build installs a program unless it is there.
build() {
	name=$1 version=$2
	shift 2
	has "$name" "$version" || cargo install --locked --root "$MOQRX_RUST" --target-dir "$MOQRX_RUST/target" "$name@$version" "$@"
}

if [ "${1:-}" = install ]; then
	command -v cargo >/dev/null || skip 'cargo is not installed'
	mkdir -p "$MOQRX_RUST"
	cargo info --quiet moq-net >/dev/null 2>&1 || skip 'the registry of crates cannot be reached'
	build moq-relay "$relay"
	build moq-cli "$cli" --no-default-features --features noq,websocket
fi
has moq-relay "$relay" && has moq-cli "$cli" ||
	skip "they are not in $MOQRX_RUST; test/interop/rust.sh install builds them there"
exec go test -count=1 -timeout 240s -v -run Rust ./test/interop
