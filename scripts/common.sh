# Shared by scripts/demo, scripts/test and scripts/format: where we are, and installing what is missing.
# Sourced, not run. Debian 12 only: other systems get a clear sentence.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# What building and running needs. libhowardhinnant-date-dev brings libdate-tz3, which the binary loads at run time (there is no static
# one), and reads time zones from tzdata.
packages_build=(g++ cmake ninja-build ccache ca-certificates
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libboost-system1.81-dev
  libsqlite3-dev libyaml-cpp-dev libspdlog-dev libjq-dev libonig-dev libcurl4-openssl-dev libssl-dev
  libcli11-dev libsystemd-dev libjemalloc-dev libhowardhinnant-date-dev tzdata)
# What the tests need on top.
packages_test=(libgtest-dev libgmock-dev python3 openssl curl sqlite3 procps)
# What the tests against real counterparts, the linters and the fuzzers need on top.
packages_all=(clang clang-tidy clang-format libclang-rt-14-dev postfix dovecot-core iproute2 chromium php-cli php-curl
  request-tracker5 rt5-standalone rt5-db-sqlite dbconfig-no-thanks python3-venv python3-authlib)
# Node.js and npm of another origin than Debian's do as well, and Debian's npm cannot be installed beside them.
command -v node >/dev/null && command -v npm >/dev/null || packages_all+=(nodejs npm)
# What the benchmark needs on top.
packages_bench=(wrk)

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# install_missing PACKAGE...: asks dpkg first, so that a machine that has everything needs no root and no network.
install_missing() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "This script installs packages with apt-get and is made for Debian 12. Missing: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "These packages are missing and installing them needs root; there is no sudo here.
Run as root:  apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing with apt-get: ${missing[*]}"
  # No service that a package brings may start: the tests run their own, with their own configuration and ports.
  local policy=/usr/sbin/policy-rc.d made_policy=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    made_policy=yes
  fi
  local failed=
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null || say "apt-get update failed; trying with the lists that are here"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null </dev/null || failed=yes
  [ -z "$made_policy" ] || "${as_root[@]}" rm -f "$policy"
  [ -z "$failed" ] || die "apt-get could not install: ${missing[*]}"
}

# build PRESET [TARGET...]
build() {
  local preset=$1; shift
  cmake --preset "$preset" >"build/$preset.configure.log" 2>&1 || { cat "build/$preset.configure.log" >&2; die "cmake --preset $preset failed"; }
  local targets=()
  [ $# -eq 0 ] || targets=(--target "$@")
  cmake --build "build/$preset" "${targets[@]}"
}

mkdir -p build
