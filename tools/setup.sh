#!/usr/bin/env bash
# Sets up a clone: Debian packages that are missing, the virtual environment, the services in it.
#
#   tools/setup.sh run    what `hashbus up` needs
#   tools/setup.sh test   that, and what the checks and tests need
#
# Nothing is done twice: a stamp in .venv remembers the requirement files it was made from.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly goal=${1:-run}
readonly venv=.venv

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

distributions() { printf '%s\n' libs/*/pyproject.toml services/*/pyproject.toml | xargs -n 1 dirname; }

fingerprint() { cat "$@" | sha256sum | cut -d ' ' -f 1; }

# done_before NAME FILE...: whether step NAME was already done from exactly these files.
done_before() {
    local stamp=$venv/.setup-$1
    shift
    [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint "$@")" ]
}

remember() {
    local stamp=$venv/.setup-$1
    shift
    fingerprint "$@" >"$stamp"
}

make_venv() {
    if ! "$venv/bin/python" -c '' 2>/dev/null; then
        say "virtual environment in $venv"
        python3 -m venv --clear "$venv"
    fi
    done_before installer requirements/setup.txt && return
    say 'installer'
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/setup.txt
    remember installer requirements/setup.txt
}

# uv does not read pip's configuration: pass on the index that pip uses on this machine, if one is set.
use_the_index_of_pip() {
    local index
    index=$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)
    index=${PIP_INDEX_URL:-$index}
    [ -z "$index" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
}

install_requirements() {
    local name=$1
    done_before "$name" "requirements/$name.txt" && return
    say "packages of requirements/$name.txt"
    "$venv/bin/uv" pip install --quiet --require-hashes -r "requirements/$name.txt"
    remember "$name" "requirements/$name.txt"
}

install_distributions() {
    local files
    mapfile -t files < <(printf '%s\n' libs/*/pyproject.toml services/*/pyproject.toml)
    done_before distributions "${files[@]}" && return
    say 'services of this repository'
    # shellcheck disable=SC2046
    "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation $(distributions | sed 's/^/-e /')
    remember distributions "${files[@]}"
}

make_venv
export VIRTUAL_ENV=$PWD/$venv
use_the_index_of_pip
install_requirements run
if [ "$goal" = test ]; then install_requirements dev; fi
install_distributions
