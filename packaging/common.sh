# What the scripts beside this one share. Sourced, not run.
# shellcheck shell=bash

# The Debian packages that a build needs besides Swift, and what for:
#   git            the package manager fetches dependencies with it
#   pkg-config     finds libedit and libsystemd
#   libedit-dev    line editing in `dhtctl shell`
#   libsystemd-dev talks to systemd and the journal
build_packages=(git pkg-config libedit-dev libsystemd-dev)

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Installs those of the named Debian packages that are missing. Asks for root's rights only then.
install_missing() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    fail "these Debian packages are missing, and there is no apt-get to install them: ${missing[*]}"
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "as root, run: apt-get install ${missing[*]}; then run this again"
    root=(sudo)
  fi
  say "Installing ${missing[*]} ..."
  "${root[@]}" apt-get update -qq ||
    say "The list of packages could not be updated; going on with the one at hand."
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "could not install ${missing[*]}; see above"
}

require_swift() {
  command -v swift >/dev/null ||
    fail "Swift 6.2 or later is needed; get it from https://www.swift.org/install/linux/"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
  dpkg --compare-versions "${version:-0}" ge 6.2 ||
    fail "Swift 6.2 or later is needed, and this is ${version:-unknown}; see https://www.swift.org/install/linux/"
}

# Builds both programs as they are released: optimised, and with the Swift runtime inside.
build_release() {
  swift build -c release --static-swift-stdlib --product dhtd
  swift build -c release --static-swift-stdlib --product dhtctl
}
