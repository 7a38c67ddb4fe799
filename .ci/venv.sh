#!/bin/sh
# Makes the virtual environment that make uses and installs the locked packages into it.
# Usage: venv.sh DIRECTORY service|test      PYTHON=… names the interpreter to use.
set -eu
venv=$1
what=$2
unset PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV || true
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

fits() { # fits PYTHON LAST: does it run, and is it 3.11 up to 3.LAST?
    "$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $2))" 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" 99 && echo "$PYTHON" && return
        echo "PYTHON=$PYTHON does not run, or is older than 3.11." >&2
        return 1
    fi
    for last in 14 99; do # those the lock was tried with, then any newer one
        for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
            fits "$candidate" "$last" && echo "$candidate" && return
        done
    done
    cat >&2 <<'END'
Python 3.11 or newer is needed, and none was found on the PATH.
    Debian, Ubuntu:  sudo apt install python3      (Debian 12, Ubuntu 24.04 or newer)
    macOS:           brew install python           (or the installer from https://python.org)
Have one elsewhere?  make PYTHON=/path/to/python3.12 serve
END
    return 1
}

usable() { # is the environment there, whole, and made in this place?
    fits "$venv/bin/python" 99 && "$venv/bin/python" -c 'import pip' 2>/dev/null &&
        test "$(cat "$venv/.made-in" 2>/dev/null)" = "$PWD"
}

make_venv() {
    python=$(find_python)
    echo "Making $venv with $("$python" --version) ($python)"
    rm -rf "$venv"
    # Debian and Ubuntu ship Python without ensurepip: then pip is fetched, and checked, by us.
    if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
        rm -rf "$venv"
        "$python" -m venv --without-pip "$venv"
        "$venv/bin/python" .ci/fetch_pip.py requirements/build.lock "$venv/pip.pyz"
    fi
    echo "$PWD" >"$venv/.made-in"
}

pip() {
    if [ -e "$venv/pip.pyz" ]; then
        "$venv/bin/python" "$venv/pip.pyz/pip" "$@" --ignore-installed # else it finds itself
    else
        "$venv/bin/python" -m pip "$@"
    fi
}

locked() { # --no-build-isolation: what builds is locked too, nothing else is fetched
    pip install --quiet --require-hashes --no-deps --no-build-isolation -r "requirements/$1.lock"
}

if [ "$what" = service ]; then
    if ! usable; then
        make_venv
    fi
    echo "Installing the locked packages (the first time: a minute or two)"
    locked build
    rm -f "$venv/pip.pyz"
    locked service
    pip install --quiet --no-deps --no-build-isolation --editable .
else
    echo "Installing what the tests need (the first time: a minute or two)"
    locked "$what"
fi
