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

# Prints the names of those of the named Debian packages that are missing, on one line.
missing_packages() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || printf '%s\n' "${missing[*]}"
}

# Installs those of the named Debian packages that are missing. Asks for root's rights only then.
install_missing() {
  local missing
  read -ra missing <<<"$(missing_packages "$@")"
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

# The flags of a release build, and what for:
#   --static-swift-stdlib     the Swift runtime is inside, so that the programs need no Swift where they run
#   -use-ld=lld               the linker of the Swift toolchain, which has the two options below
#   -z now                    binds all functions at the start, so that their addresses are read-only from then on
#   -z pack-relative-relocs   a compact form of the relocations that a position-independent program needs
#   --icf=safe                keeps one copy of functions with the same code, unless their address is compared
#   --no-export-dynamic       no symbols for others to link against: the programs load no plug-ins
release_flags=(
  -c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xlinker -z -Xlinker now
  -Xlinker -z -Xlinker pack-relative-relocs -Xlinker --icf=safe -Xlinker --no-export-dynamic
)

# Builds the named programs as they are released; all of them if none is named.
build_release() {
  local program
  [ $# -gt 0 ] || set -- dhtd dhtctl dhtsim
  for program in "$@"; do
    # Said aloud: where this function is called with "||", a failure would not end it.
    swift build "${release_flags[@]}" --product "$program" || return
  done
}

# The most bytes of the installed programs and of the package, on amd64.
declare -A size_limits=([dhtd]=20000000 [dhtctl]=18500000 [deb]=9500000)

# Fails if a Debian package, or a program in it, is larger than it may be.
check_sizes() {
  local deb=$1 directory=$2 name file size limit
  [ "$(dpkg-deb --field "$deb" Architecture)" = amd64 ] || return 0
  for name in dhtd dhtctl deb; do
    file=$directory/usr/bin/$name
    [ "$name" != deb ] || file=$deb
    size=$(stat -c %s "$file") limit=${size_limits[$name]}
    say "${file##*/}: $size bytes of at most $limit"
    [ "$size" -le "$limit" ] || fail "${file##*/} has $size bytes, and the limit is $limit. Look for a new \
dependency or import that brings in Foundation or ICU: 'swift package show-dependencies' lists the packages, and \
'nm --demangle --size-sort .build/release/PROGRAM | tail' the largest symbols. If the growth is worth it, raise \
the limit in packaging/common.sh and give the reason in the commit."
  done
}

# Fails if a program in a Debian package lacks the protections that release_flags asks for.
check_hardening() {
  local directory=$1 name headers
  for name in dhtd dhtctl; do
    headers=$(LC_ALL=C readelf --dynamic --segments --wide "$directory/usr/bin/$name")
    grep -q 'Flags:.* NOW.* PIE' <<<"$headers" && grep -q GNU_RELRO <<<"$headers" ||
      fail "$name is not position-independent with read-only relocations (PIE, RELRO, BIND_NOW); see \
release_flags in packaging/common.sh, and 'readelf --dynamic --segments' of the program"
  done
}
