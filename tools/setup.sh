#!/usr/bin/env bash
# Sets up a clone: Debian packages that are missing, the virtual environment, the services in it.
#
#   tools/setup.sh run    what `hashbus up` needs
#   tools/setup.sh test   that, and what the checks and tests need
#
# Nothing is done twice: stamps in .venv remember the files that each step was made from. Whatever cannot be had is
# named in one line; what a site can run without stops nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly goal=${1:-run}
readonly venv=.venv
readonly test_servers=.tools
PATH=$PATH:/usr/sbin # where Debian keeps mosquitto, and where an ordinary user does not look

say() { printf 'setup: %s\n' "$*"; }

warn() { printf 'setup: %s\n' "$*" >&2; }

fail() {
    warn "$*"
    exit 1
}

has() { command -v "$1" >/dev/null; }

# ---- stamps ----------------------------------------------------------------------------------------------------------

fingerprint() { cat "$@" | sha256sum | cut -d ' ' -f 1; }

# done_before STEP FILE...: whether STEP was done already, from exactly these files.
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

# ---- Debian ----------------------------------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo && [ -t 0 ]; then
        sudo "$@"
    elif has sudo; then
        sudo -n "$@"
    else
        return 1
    fi
}

# quietly COMMAND...: what it prints is shown only when it fails.
quietly() {
    local printed
    printed=$("$@" 2>&1) || {
        printf '%s\n' "$printed" >&2
        return 1
    }
}

lists_are_fresh=no
refresh_package_lists() {
    [ "$lists_are_fresh" = no ] || return 0
    quietly as_root apt-get update -qq || return 1
    lists_are_fresh=yes
}

# debian_packages NAME...: install them; 1 when this machine or this user cannot.
debian_packages() {
    has apt-get || return 1
    say "Debian packages: $*"
    refresh_package_lists && quietly as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq --yes --no-install-recommends "$@"
}

python_is_usable() { python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

need_debian_packages() {
    local missing=() broker_is_new=no
    python_is_usable || missing+=(python3 python3-venv ca-certificates)
    if ! has mosquitto; then
        missing+=(mosquitto mosquitto-clients)
        broker_is_new=yes
    fi
    [ ${#missing[@]} -gt 0 ] || return 0
    debian_packages "${missing[@]}" || warn "cannot install Debian packages here; missing: ${missing[*]}"
    python_is_usable || fail 'Python 3.11 or newer with its venv module is needed: install python3 and python3-venv'
    has mosquitto || warn 'without mosquitto a site runs on the embedded broker, which is fit for a home'
    # Debian starts the broker that it installs. A site starts one of its own, which wants the same port.
    if [ $broker_is_new = yes ] && has mosquitto && [ -d /run/systemd/system ]; then
        as_root systemctl disable --quiet --now mosquitto.service
    fi
}

# The databases that the tests talk to are unpacked beside the clone, not installed: Debian would start them as
# services of the machine.
need_test_servers() {
    local name missing=()
    for name in influxd:influxdb victoria-metrics:victoria-metrics promtool:prometheus; do
        has "${name%:*}" || [ -x "$test_servers/usr/bin/${name%:*}" ] || missing+=("${name#*:}")
    done
    if ! has redis-server && [ ! -x "$test_servers/usr/bin/redis-server" ]; then
        # With the libraries that it finds there; the others are on every Debian.
        missing+=(redis-server redis-tools libjemalloc2 liblua5.1-0 liblzf1 lua-bitop lua-cjson)
    fi
    [ ${#missing[@]} -gt 0 ] || return 0
    say "databases for the tests: ${missing[*]}"
    mkdir -p "$test_servers/packages"
    if ! download_debian_packages "${missing[@]}"; then
        warn "not to be had from Debian: ${missing[*]}; the tests that need them will fail"
        return
    fi
    for name in "$test_servers"/packages/*.deb; do dpkg-deb --extract "$name" "$test_servers"; done
    rm -r "$test_servers/packages"
}

download_debian_packages() {
    has apt-get || return 1
    (cd "$test_servers/packages" && quietly apt-get download -qq "$@" 2>/dev/null) && return
    refresh_package_lists && (cd "$test_servers/packages" && quietly apt-get download -qq "$@")
}

# The browser that the tests of the page drive; one that is here already will do.
need_browser() {
    has chromium || has chromium-browser || has google-chrome && return
    debian_packages chromium || warn 'no Chromium to be had; the tests of the page will fail'
}

# ---- Python ----------------------------------------------------------------------------------------------------------

need_venv() {
    if ! "$venv/bin/python" -c '' 2>/dev/null; then
        say "virtual environment in $venv"
        python3 -m venv --clear "$venv"
    fi
    done_before installer requirements/setup.txt && return
    say 'installer and build backend'
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/setup.txt
    remember installer requirements/setup.txt
}

# uv does not read pip's configuration: hand over the index that pip uses on this machine, if one is set.
use_the_index_of_pip() {
    local index
    index=${PIP_INDEX_URL:-$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
    if [ -n "$index" ]; then export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}; fi
}

install_pinned() {
    local name=$1
    done_before "$name" "requirements/$name.txt" && return
    say "packages of requirements/$name.txt"
    use_the_index_of_pip
    "$venv/bin/uv" pip install --quiet --require-hashes -r "requirements/$name.txt"
    remember "$name" "requirements/$name.txt"
}

# install_from STEP WHAT PROJECT...: this repository's own distributions, editable.
install_from() {
    local step=$1 what=$2 project editable=()
    shift 2
    done_before "$step" "$@" && return
    say "$what"
    for project in "$@"; do editable+=(--editable "$(dirname "$project")"); done
    "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --offline "${editable[@]}"
    remember "$step" "$@"
}

# ---- Node.js builds the page, and one test validates the AsyncAPI document with the official parser ------------------

node_is_usable() { has npm && has node && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a < 20 || (a == 20 && b < 19) || a == 21 ? 1 : 0)'; }

need_node() { node_is_usable || install_pinned node; }

# in_node FOLDER COMMAND...: the Node.js of the virtual environment goes first, where there is one.
in_node() {
    local folder=$1
    shift
    (PATH=$PWD/$venv/bin:$PATH && cd "$folder" && quietly "$@")
}

# The page of the web service: small, built once, and again when a source has changed.
need_page() {
    local folder=services/web/page sources
    mapfile -t sources < <(find $folder -type f -not -path '*/node_modules/*' | LC_ALL=C sort)
    [ -e services/web/hashbus_web/static/index.html ] && [ -e services/collector/hashbus_collector/static/fleet.html ] && done_before page "${sources[@]}" && return
    say 'the page'
    need_node
    if ! in_node $folder npm ci --silent || ! in_node $folder npm run --silent build; then
        warn 'npm failed; the site runs without its page: `npm ci && npm run build` in services/web/page builds it'
        return
    fi
    remember page "${sources[@]}"
}

need_asyncapi_parser() {
    local folder=tools/asyncapi
    [ -d $folder/node_modules ] && done_before asyncapi $folder/package-lock.json && return
    say 'AsyncAPI parser'
    need_node
    if ! in_node $folder npm ci --silent; then
        warn 'npm failed; the test that validates the AsyncAPI document will fail'
        return
    fi
    remember asyncapi $folder/package-lock.json
}

# ----------------------------------------------------------------------------------------------------------------------

need_debian_packages
need_venv
export VIRTUAL_ENV=$PWD/$venv
install_pinned run
install_from services 'hashbus itself' libs/*/pyproject.toml services/*/pyproject.toml
need_page
if [ "$goal" = test ]; then
    install_pinned dev
    # Plugins are a site's own choice; the tests try them all.
    install_from plugins 'plugins' plugins/*/pyproject.toml
    need_test_servers
    need_browser
    need_asyncapi_parser
fi
