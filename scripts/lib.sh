# Shared by the scripts: where things are, and prerequisites named with their fix. Sourced, not run.
# shellcheck shell=bash

set -euo pipefail
# Where the script was called from, and the script itself: both stay right after the change of folder.
called_from=$PWD
self=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Every script looks for binaries here, wherever the caller's own builds go.
export CARGO_TARGET_DIR=$PWD/target

# Prints the lines FROM to TO of the script's head.
print_help() { sed -n "$1,$2s/^# \\{0,1\\}//p" "$self"; }

# A path as the caller means it.
callers_path() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$called_from/$1" ;;
    esac
}

say() { printf '%s\n' "$*" >&2; }

# Ends the script with one line.
fail() {
    say "$(basename "$0"): $*"
    exit 1
}

# A missing prerequisite is one line with the fix.
need() {
    command -v "$1" >/dev/null 2>&1 || fail "$1 is missing; fix: $2"
}

# Waits until no other script here does NAME, for as long as this one runs.
wait_for_turn() {
    mkdir -p .tools
    if command -v flock >/dev/null 2>&1; then
        exec {turn}>".tools/.$1.lock"
        flock "$turn"
    fi
}

# As root on Debian; elsewhere nothing happens.
install_package() (
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        wait_for_turn apt
        say "$(basename "$0"): installing $1"
        { apt-get install -y -qq "$1" || { apt-get update -qq && apt-get install -y -qq "$1"; }; } >/dev/null 2>&1 || true
    fi
)

# As root on Debian, a missing tool is installed; elsewhere the line to run is named.
need_package() {
    local command=$1 package=$2
    command -v "$command" >/dev/null 2>&1 && return
    install_package "$package"
    need "$command" "sudo apt-get install $package"
}

need_rust() {
    need cargo "install Rust from rustup.rs (the version is pinned in rust-toolchain.toml)"
    need_package cc gcc
    need_package make make
    need_package perl perl
    need git "sudo apt-get install git"
}

# cargo-lambda, pinned, as a subcommand of cargo.
need_cargo_lambda() {
    local variables
    variables=$(scripts/setup-test-servers lambda)
    eval "$variables"
    PATH="$(dirname "$PARSEBOOK_CARGO_LAMBDA"):$PATH"
    export PATH
}

# The settings of .env, where there is one. What the caller has set wins.
read_env_file() {
    [ -f .env ] || return 0
    local line number=0 name value
    # Who names a region by its older variable means it.
    if [ -z "${AWS_REGION:-}" ] && [ -n "${AWS_DEFAULT_REGION:-}" ]; then export AWS_REGION=$AWS_DEFAULT_REGION; fi
    while read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        line=${line%$'\r'}
        if [[ $line =~ ^[[:space:]]*(#.*)?$ ]]; then continue; fi
        # Read, not run: what stands in a secret is no command, and is not repeated in an error.
        [[ $line =~ ^(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || fail ".env, line $number: not of the form NAME=VALUE"
        name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
        if [[ $value =~ ^\"([^\"]*)\"[[:space:]]*(#.*)?$ ]] || [[ $value =~ ^\'([^\']*)\'[[:space:]]*(#.*)?$ ]]; then
            value=${BASH_REMATCH[1]}
        elif [[ $value =~ ^(.*[^[:space:]])?[[:space:]]+#.*$ ]]; then
            value=${BASH_REMATCH[1]}
        fi
        [ -n "${!name+set}" ] || export "$name=$value"
    done <.env
}
