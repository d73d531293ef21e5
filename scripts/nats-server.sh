#!/usr/bin/env bash
# Prints the path of a usable nats-server on stdout; progress and errors go to stderr.
#
# In this order: $CASTELLAN_NATS_SERVER, nats-server on PATH, the cache, a Debian package unpacked into the cache.
# Nothing is installed system-wide and the archive's signature is checked by apt as for any package. Safe to run twice
# at once: the first one fetches, the others wait; the cache only ever holds a complete, tried binary.
set -euo pipefail

readonly MIN_MAJOR=2 MIN_MINOR=10
cached="${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/castellan/nats-server"

say() { printf 'nats-server: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Version of the binary $1 as "major.minor.patch"; fails when it does not run on this machine.
version_of() {
  local text
  text=$("$1" -v 2>/dev/null) || return 1
  [[ $text =~ v([0-9]+\.[0-9]+\.[0-9]+) ]] || return 1
  printf '%s' "${BASH_REMATCH[1]}"
}

recent_enough() {
  local major minor rest
  IFS=. read -r major minor rest <<<"$1"
  ((major > MIN_MAJOR || (major == MIN_MAJOR && minor >= MIN_MINOR)))
}

usable() {
  local version
  version=$(version_of "$1") && recent_enough "$version"
}

# The first Debian archive this machine is set up for, whether or not its lists have ever been fetched.
debian_uri() {
  # shellcheck disable=SC2016 # apt's own placeholder, not ours
  apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    grep -E '/debian(/|$)' | sort -u | head -n 1 || true
}

# Unpacks the package of suite $1 below the work directory $2 and prints the path of its binary.
fetch_from() {
  local suite=$1 dir="$2/$1" uri=$3
  mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/root"
  printf 'deb %s %s main\n' "$uri" "$suite" >"$dir/sources.list"
  local opt=(
    -qq
    -o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State=$dir/state" -o "Dir::State::lists=$dir/state/lists" -o Dir::State::status=/var/lib/dpkg/status
    -o "Dir::Cache=$dir/cache" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o APT::Sandbox::User=root
  )
  timeout -k 5 180 apt-get "${opt[@]}" update >&2 || return 1
  (cd "$dir" && timeout -k 5 180 apt-get "${opt[@]}" download nats-server >&2) || return 1
  dpkg -x "$dir"/nats-server_*.deb "$dir/root" || return 1
  printf '%s' "$dir/root/usr/sbin/nats-server"
}

fetch() {
  local work uri suite binary version
  for tool in apt-get dpkg timeout; do
    command -v "$tool" >/dev/null || fail "no nats-server found and $tool is missing, so it cannot be fetched from" \
      "Debian. Install nats-server >= $MIN_MAJOR.$MIN_MINOR and put it on PATH, or name it in CASTELLAN_NATS_SERVER."
  done
  uri=$(debian_uri)
  [[ -n $uri ]] || fail "no nats-server found and apt knows no Debian archive. Install nats-server >=" \
    "$MIN_MAJOR.$MIN_MINOR and put it on PATH, or name it in CASTELLAN_NATS_SERVER."
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the directory is known now and must not change
  trap "rm -rf '$work'" EXIT
  for suite in forky trixie bookworm; do
    say "fetching from Debian $suite"
    binary=$(fetch_from "$suite" "$work" "$uri") || { say "not available from $suite" && continue; }
    version=$(version_of "$binary") || { say "the one of $suite does not run on this machine" && continue; }
    recent_enough "$version" || { say "$suite has only $version" && continue; }
    # Into the cache under a name of its own first: the rename is what makes it visible, whole.
    install -m 755 "$binary" "$cached.$$" && mv -f "$cached.$$" "$cached"
    say "$version from $suite is in $cached"
    return 0
  done
  fail "could not be fetched from Debian. Is the network reachable? Otherwise install nats-server >=" \
    "$MIN_MAJOR.$MIN_MINOR and put it on PATH, or name it in CASTELLAN_NATS_SERVER."
}

main() {
  local found
  if [[ -n ${CASTELLAN_NATS_SERVER:-} ]]; then
    usable "$CASTELLAN_NATS_SERVER" ||
      fail "CASTELLAN_NATS_SERVER=$CASTELLAN_NATS_SERVER is not a nats-server >= $MIN_MAJOR.$MIN_MINOR that runs here"
    printf '%s\n' "$CASTELLAN_NATS_SERVER"
    return
  fi
  if found=$(command -v nats-server) && usable "$found"; then
    printf '%s\n' "$found"
    return
  fi
  if ! usable "$cached"; then
    mkdir -p "$(dirname "$cached")"
    if command -v flock >/dev/null; then
      exec 9>"$cached.lock"
      flock -w 600 9 || fail "another fetch has held $cached.lock for ten minutes"
    fi
    usable "$cached" || fetch
  fi
  printf '%s\n' "$cached"
}

main
