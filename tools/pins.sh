#!/usr/bin/env bash
# Pins every package of requirements/*.in with its hashes. Behind `make pins`.
set -euo pipefail
cd "$(dirname "$0")/../requirements"

# pin NAME OPTION...: requirements/NAME.in to requirements/NAME.txt
pin() {
    local name=$1
    shift
    echo "pins: requirements/$name.txt"
    ../.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --custom-compile-command 'make pins' "$@" "$name.in" -o "$name.txt"
}

own=()
for file in ../libs/*/pyproject.toml ../services/*/pyproject.toml; do
    own+=(--no-emit-package "$(sed -n 's/^name = "\(.*\)"/\1/p' "$file")")
done

pin setup
pin run -c setup.txt "${own[@]}"
pin dev -c setup.txt -c run.txt
pin node
