#!/bin/sh
# Build something of a copy of the tree in which a leak is planted:
# planted.sh PATCH VARIANT TARGET, a path below build/VARIANT; prints where the
# binary is.
set -eu
cd "$(dirname "$0")/../.."
copy=build/planted
rm -rf "$copy"
mkdir -p "$copy/build" "$copy/tests"
cp -a Makefile gateway schemas "$copy"
cp -a tests/support tests/prove tests/simulation "$copy/tests"
cp -a "build/$2" build/gen "$copy/build"
patch -s -p1 -d "$copy" -i "$PWD/$1" >&2
make -s -j"$(nproc)" -C "$copy" VARIANT="$2" "build/$2/$3" >&2
echo "$copy/build/$2/$3"
