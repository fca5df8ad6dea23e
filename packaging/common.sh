# What the scripts beside this one share. Sourced, not run.
# shellcheck shell=bash

# The Debian packages that a build needs besides Swift, and what for:
#   git            the package manager fetches dependencies with it
#   pkg-config     finds the libraries below
#   libedit-dev    line editing in `dhtctl shell`
#   liblmdb-dev    keeps the records on the disk
#   libsystemd-dev talks to systemd and the journal
#   libyaml-dev    reads the configuration
#   zlib1g-dev     the checksum of each record
build_packages=(git pkg-config libedit-dev liblmdb-dev libsystemd-dev libyaml-dev zlib1g-dev)

# What a Debian package is made with, and what for:
#   build-essential  every package is built with it
#   debhelper        most of the rules
deb_packages=(build-essential debhelper)

# What the tests need besides, and what for:
#   lintian            checks the package
#   man-db, groff      format the manual pages, and warn
#   systemd-container  boots a machine with a systemd
#   mmdebstrap         makes its root directory
#   procps             finds its processes
#   iproute2           networks of the kernel, to cut in two
#   util-linux, mount  namespaces, and small file systems to fill
#   python3-libtorrent another implementation, to exchange records with
test_packages=(
  lintian man-db groff systemd-container mmdebstrap procps iproute2 util-linux mount python3-libtorrent
)

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Runs a command with root's rights.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null || fail "this needs root's rights, and there is no sudo: $*"
    sudo "$@"
  fi
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
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
    fail "as root, run: apt-get install ${missing[*]}; then run this again"
  say "Installing ${missing[*]} ..."
  as_root apt-get update -qq ||
    say "The list of packages could not be updated; going on with the one at hand."
  as_root env DEBIAN_FRONTEND=noninteractive \
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

# Builds the programs as they are released: optimised, with the Swift runtime inside, and with all
# addresses of functions bound at the start, so that they are read-only from then on.
build_release() {
  local program
  for program in dhtd dhtctl dhtsim; do
    swift build -c release --static-swift-stdlib -Xlinker -z -Xlinker now --product "$program"
  done
}
