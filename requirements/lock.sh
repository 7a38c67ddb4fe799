#!/bin/sh
# Writes the six lock files; run it as `make lock`. Universal: one file for Python 3.11 and
# newer on Linux and macOS. Usage: lock.sh UV [--upgrade]
set -eu
uv=$1
shift
resolve() {
    output=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --output-file "requirements/$output.lock" "$@"
}
resolve build "$@" requirements/build.in
# The engine of mappings needs older libraries than the service, so it has an environment of its own.
resolve rml "$@" requirements/rml.in
resolve portal "$@" requirements/portal.in
resolve ckan "$@" requirements/ckan.in
resolve service "$@" --constraint requirements/build.lock pyproject.toml
resolve test "$@" --constraint requirements/build.lock --constraint requirements/service.lock \
    --group dev --extra reasoner --extra pandas --extra polars pyproject.toml
