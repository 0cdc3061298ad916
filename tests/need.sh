# Missing tools → installed Debian packages, or a plain word about what is missing. Sourced.

# as_root COMMAND…: as it is for root, through sudo for others.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        printf 'neither root nor sudo, and this is needed: %s\n' "$*" >&2
        return 1
    fi
}

# need PROGRAM=PACKAGE…: installs the package of every program that is not there.
need() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    install_packages "${missing[@]}"
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || {
            printf '%s is missing, and the package %s did not bring it\n' "${pair%%=*}" "${pair#*=}" >&2
            return 1
        }
    done
}

# need_php_module MODULE=PACKAGE
need_php_module() {
    has_php_module "${1%%=*}" && return
    install_packages "${1#*=}"
    has_php_module "${1%%=*}" || {
        printf 'php has no module %s, and the package %s did not bring it\n' "${1%%=*}" "${1#*=}" >&2
        return 1
    }
}

# No pipe to a grep that stops reading: PHP would die of it now and then.
has_php_module() { php -r 'exit(extension_loaded($argv[1]) ? 0 : 1);' -- "$1"; }

install_packages() {
    command -v apt-get >/dev/null || {
        printf 'no apt-get here; please install: %s\n' "$*" >&2
        return 1
    }
    printf 'installing %s\n' "$*"
    as_root apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# need_rust: cargo with rustfmt and clippy.
need_rust() {
    [ ! -d "${CARGO_HOME:-$HOME/.cargo}/bin" ] || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    command -v cargo >/dev/null || {
        echo 'cargo is missing: install Rust (https://rustup.rs)' >&2
        return 1
    }
    local part
    for part in fmt:rustfmt clippy:clippy; do
        cargo "${part%%:*}" --version >/dev/null 2>&1 && continue
        command -v rustup >/dev/null && rustup component add "${part#*:}" || {
            printf 'cargo %s is missing: install the Rust component %s\n' "${part%%:*}" "${part#*:}" >&2
            return 1
        }
    done
}
