# Installs missing tools from Debian packages, or says plainly what is missing. Sourced by other scripts.

# as_root COMMAND…: runs a command as root, through sudo for other users.
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

# need PROGRAM=PACKAGE…: installs the packages of programs that are missing.
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

# need_php_module MODULE=PACKAGE: installs the package of a PHP module that is missing.
need_php_module() {
    has_php_module "${1%%=*}" && return
    install_packages "${1#*=}"
    has_php_module "${1%%=*}" || {
        printf 'php has no module %s, and the package %s did not bring it\n' "${1%%=*}" "${1#*=}" >&2
        return 1
    }
}

# A pipe to a grep that stops reading would sometimes kill PHP.
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

# need_rust: checks for cargo with rustfmt and clippy.
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
