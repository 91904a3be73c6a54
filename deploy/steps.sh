#!/bin/sh
# The steps that make an installation: the Dockerfile calls them, and tests/deploy runs them in a clean folder.
#
#   steps.sh packages VENV            a virtual environment with every library, each by its hash, without GPU kernels
#   steps.sh install VENV SOURCES     Millgrade itself into that environment, from SOURCES, built by pinned tools
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
pip_options="--disable-pip-version-check --no-input --require-hashes --no-deps"

# The blocks of a lock file whose packages are (pick) or are not (drop) among the names given.
pick() { lock=$1; shift; blocks "$lock" 1 "$@"; }
drop() { lock=$1; shift; blocks "$lock" 0 "$@"; }
blocks() {
    awk -v wanted="$2" -v names="$3" '
        BEGIN { count = split(names, list, " "); for (i = 1; i <= count; i++) named[list[i]] = 1 }
        /^[A-Za-z0-9]/ { name = $0; sub(/[=\[ ].*/, "", name); keep = ((name in named) ? 1 : 0) == wanted }
        keep' "$1"
}

packages() {
    venv=$1
    work=$(mktemp -d)
    # xgboost without GPU kernels: the same version by another name, 6 MB in place of 480 MB with nccl.
    drop "$root/requirements.lock" "xgboost nvidia-nccl-cu12" > "$work/image.lock"
    cat "$here/xgboost-cpu.lock" >> "$work/image.lock"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install $pip_options -r "$work/image.lock"
    rm -r "$work"
}

install() {
    venv=$1 sources=$2
    work=$(mktemp -d)
    pick "$root/requirements-dev.lock" "hatchling packaging pathspec pluggy trove-classifiers" > "$work/build.lock"
    "$venv/bin/python" -m pip install $pip_options --target "$work/tools" -r "$work/build.lock"
    PYTHONPATH="$work/tools" "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
        --no-deps --no-build-isolation "$sources"
    rm -r "$work"
}

verb=$1
shift
case "$verb" in
    packages | install) "$verb" "$@" ;;
    *) echo "steps.sh knows packages and install, not '$verb'" >&2; exit 2 ;;
esac
