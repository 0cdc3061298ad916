#!/bin/bash
# The feed's Makefile, read by make with stand-ins for OpenWrt's own parts: what it would install is what the manifest says.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "${root:?}"' EXIT
mkdir -p "$root"/{include,feeds/packages/lang/rust,build,install/bin}

# The few definitions it uses, with the meaning they have there.
cat >"$root/rules.mk" <<'EOF'
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
CP:=cp -fpR
LN:=ln -sf
EOF
cat >"$root/include/package.mk" <<'EOF'
define BuildPackage
all:
	$$(call Build/Prepare)
	$$(call Package/$(1)/install,$(DESTDIR))
endef
EOF
cat >"$root/feeds/packages/lang/rust/rust-package.mk" <<'EOF'
define RustBinPackage
endef
EOF
touch "$root/install/bin/websms"

make -s -C "$here/../websms" TOPDIR="$root" INCLUDE_DIR="$root/include" PKG_BUILD_DIR="$root/build" \
    PKG_INSTALL_DIR="$root/install" DESTDIR="$root/tree"

# Owners come with USERID and the init script; everything else is the manifest's.
wanted=$(sed -E '/^#/d; s/ config$//; s/^([0-7]{4}) \S+ /\1 /; s|/$||' "$here/../manifest" | sort)
found=$(cd "$root/tree" && find . -type l -printf 'link /%P -> %l\n' -o \( -type f -o -path ./etc/websms/queue \) -printf '0%m /%P\n' | sort)
diff <(echo "$wanted") <(echo "$found") || { echo 'feed.sh: the feed installs something else than the manifest says' >&2; exit 1; }
