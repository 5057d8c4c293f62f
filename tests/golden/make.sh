#!/usr/bin/env bash
# Makes golden matchers of the SDKs as they are: examples/order-paid in each language. See README.md.
#
#   tests/golden/make.sh VERSION [LANGUAGE…]       after `make wasm python js`; needs zstd
set -euo pipefail
cd "$(dirname "$0")/../.."

version=${1:?"usage: tests/golden/make.sh VERSION [rust|python|js …]"}
shift
[ $# -gt 0 ] || set -- rust python js
command -v zstd >/dev/null || { echo "zstd is missing: install it (Debian: zstd)" >&2; exit 1; }
target=$(realpath "${CARGO_TARGET_DIR:-target}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for language in "$@"; do
    example=examples/order-paid/$language
    case $language in
        rust)
            cargo build --locked --release --target wasm32-unknown-unknown --manifest-path $example/Cargo.toml --target-dir "$work"
            cp "$work/wasm32-unknown-unknown/release/order_paid.wasm" "$work/rust.wasm" ;;
        python) "$target/python/bin/python" -m eventlatch_sdk.build $example -o "$work/python.wasm" ;;
        js) sdk/js/bin/eventlatch-build.js $example -o "$work/js.wasm" ;;
        *) echo "$language is no language of an SDK: rust, python or js" >&2; exit 1 ;;
    esac
    zstd -q -f --ultra -22 "$work/$language.wasm" -o "tests/golden/$language-$version.wasm.zst"
    ls -l "tests/golden/$language-$version.wasm.zst"
done
