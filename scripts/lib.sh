# Shared by the scripts: where things are, and prerequisites named with their fix. Sourced, not run.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

# A missing prerequisite is one line with the fix.
need() {
    command -v "$1" >/dev/null 2>&1 || {
        say "$(basename "$0"): $1 is missing; fix: $2"
        exit 1
    }
}

# As root on Debian, a missing tool is installed; elsewhere the line to run is named.
need_package() {
    local command=$1 package=$2
    command -v "$command" >/dev/null 2>&1 && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "$(basename "$0"): installing $package"
        { apt-get install -y -qq "$package" || { apt-get update -qq && apt-get install -y -qq "$package"; }; } >/dev/null 2>&1 || true
    fi
    need "$command" "sudo apt-get install $package"
}

need_rust() {
    need cargo "install Rust from rustup.rs (the version is pinned in rust-toolchain.toml)"
    need_package cc gcc
    need_package make make
    need_package perl perl
    need git "sudo apt-get install git"
}
