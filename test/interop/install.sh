#!/bin/sh
# Installs the foreign peers of the interop suite from npm: Node 22, @moq/net,
# @moq/web-transport and playwright-core, in the versions that package-lock.json pins by hash. No
# install script of any package runs. Running it again does nothing until the pins change.
# Chromium comes from Debian's packages, where this may install them; the tests of the browser
# skip without it, and say so.
#
# Everything goes to ${MOQRX_CACHE:-.cache at the top of the checkout}/interop:
#   node            link to the Node binary
#   node_modules    what npm installed
#   web-transport   @moq/web-transport as Node can load it (see below)
#
# Exit code 75 means that this machine cannot have the peers (no npm, registry out of reach,
# other platform); the last line of stderr says why. Any other code but 0 is a failure.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
cache=${MOQRX_CACHE:-$repo/.cache}/interop
unavailable=75

skip() {
	echo "install: $1" >&2
	exit $unavailable
}

stamp=$(cat "$here/package-lock.json" "$here/install.sh" "$here"/internal/elfcompat/*.go | sha256sum | cut -d ' ' -f 1)
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium; } >/dev/null ||
		echo "install: Chromium cannot be installed, and is not tested" >&2
fi

if [ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ]; then
	echo "interop peers are in $cache"
	exit 0
fi

case "$(uname -s) $(uname -m)" in
"Linux x86_64") cpu=x64 ;;
"Linux aarch64") cpu=arm64 ;;
*) skip "the peers are built for Linux on x86-64 and arm64, this is $(uname -s) $(uname -m)" ;;
esac
command -v npm >/dev/null || skip "npm is not installed"

mkdir -p "$cache"
cd "$cache"
rm -rf stamp node node_modules web-transport
cp "$here/package.json" "$here/package-lock.json" .
if ! npm view --fetch-retries=1 --fetch-timeout=20000 @moq/net@0.3.4 version >/dev/null 2>npm.log; then
	cat npm.log >&2
	skip "the npm registry cannot be reached"
fi
npm ci --ignore-scripts --no-audit --no-fund
ln -s "node_modules/node-linux-$cpu/bin/node" node

# @moq/web-transport is published as TypeScript, and Node strips types from any file but those
# below node_modules. The binary of a platform lies beside the package's own copy of it.
binary=web-transport.linux-$cpu-gnu.node
mkdir web-transport
cp -R node_modules/@moq/web-transport/src node_modules/@moq/web-transport/napi.cjs web-transport/
cp "node_modules/@moq/web-transport-linux-$cpu-gnu/$binary" web-transport/
echo '{"type": "module"}' >web-transport/package.json

# That binary was linked for glibc 2.38. Where the loader refuses it, and only there, its
# copy is made to fit.
loads() { ./node -e "require('./web-transport/$binary')"; }
if ! loads 2>load.log; then
	(cd "$repo" && go run ./test/interop/internal/elfcompat "$cache/web-transport/$binary")
	if ! loads; then
		echo "install: $binary loads neither as it is nor after elfcompat; at first the loader said:" >&2
		cat load.log >&2
		exit 1
	fi
fi
rm -f npm.log load.log
echo "$stamp" >stamp
echo "interop peers are in $cache"
