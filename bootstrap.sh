#!/bin/sh
# Makes .venv: finds Python 3.12 or newer, gets uv where it is missing (a private copy in .uv), and installs what uv.lock names.
# Nothing outside the project is changed. Arguments go to `uv sync`.
set -eu
cd "$(dirname "$0")"
unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT PYTHONHOME PYTHONPATH
UV_VERSION=0.13.8

# A name on the path proves nothing: pyenv leaves shims for versions that are not active. So each candidate is run.
find_python() {
    pyenv="${PYENV_ROOT:-${HOME:-}/.pyenv}/versions"
    for candidate in python3.13 python3.12 python3.14 python3 "$pyenv"/3.13*/bin/python "$pyenv"/3.12*/bin/python "$pyenv"/3.14*/bin/python \
        /usr/local/bin/python3.1[2-4] /opt/homebrew/bin/python3.1[2-4]; do
        "$candidate" -c 'import sys; sys.version_info >= (3, 12) or sys.exit(1); print(sys.executable)' 2>/dev/null && return
    done
    true
}

find_uv() {
    for candidate in .uv/bin/uv uv "${HOME:-}/.local/bin/uv"; do
        if "$candidate" --version >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

python=$(find_python)
uv=$(find_uv)
if [ -z "$uv" ]; then
    echo "Getting uv $UV_VERSION into .uv …"
    rm -rf .uv
    if ! { "${python:-python3}" -m venv .uv && .uv/bin/python -m pip install --quiet "uv==$UV_VERSION"; }; then
        rm -rf .uv
        echo "uv is missing and could not be fetched with Python's venv and pip: install uv (https://docs.astral.sh/uv/), then try again." >&2
        exit 1
    fi
    uv=.uv/bin/uv
fi

if [ -n "$python" ]; then
    echo "Installing for $python …"
    export UV_PYTHON_DOWNLOADS=never
else
    echo "No Python 3.12 or newer was found; uv gets one of its own …"
    python=3.13
fi
exec "$uv" sync --locked --python "$python" "$@"
