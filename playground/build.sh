#!/usr/bin/env bash
# Builds docs/playground.html: the crate as WebAssembly, then the page around it. Options for cargo may follow, and CARGO
# and RUSTC may name another toolchain; see CONTRIBUTING.md.
set -euo pipefail
cd "$(dirname "$0")"

# 128-bit vectors; and no paths of this machine in the messages of panics.
root=$(cd .. && pwd)
remap="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$root=chainrule"
export RUSTFLAGS="-C target-feature=+simd128 $remap ${RUSTFLAGS:-}"
"${CARGO:-cargo}" build --release --target wasm32-unknown-unknown --target-dir "$root/target/wasm" "$@"

cd "$root"
wasm=$root/target/wasm/wasm32-unknown-unknown/release/chainrule_playground.wasm
env -u CARGO -u RUSTC -u RUSTFLAGS PLAYGROUND_WASM="$wasm" UPDATE_PLAYGROUND=1 cargo test --test playground
