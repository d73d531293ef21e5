# shellcheck shell=bash
# Makes a bare clone ready to run: packages, native module, build, nats-server. To be sourced by a bash script with
# `set -euo pipefail`; leaves the shell in the repository's root with CASTELLAN_NATS_SERVER exported.
#
# Idempotent: when nothing has changed it costs a second. One progress line a step, on stderr. The database driver may still
# be in the making then: `setup_finish` waits for it, and must be called before anything opens a database.
# CASTELLAN_SETUP_ONLY=packages stops after them.

export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1

# What is done is what a sign of life names.
setup_say() {
  setup_doing=$*
  printf 'setup: %s\n' "$*" >&2
}
setup_fail() {
  setup_say "$*"
  exit 1
}

# A sign of life every half minute while something long runs.
setup_heartbeat() {
  local begun=$SECONDS
  while sleep 30 </dev/null >/dev/null 2>&1; do printf 'setup: ... still %s (%s s)\n' "${setup_doing%% (*}" "$((SECONDS - begun))" >&2; done
}

# Runs a command quietly; shows what it said only when it fails. The set-up lock (descriptor 9) is not passed on, or a
# program that stays behind would hold it.
setup_quietly() {
  local log status=0
  log=$(mktemp)
  setup_heartbeat 9>&- &
  local heartbeat=$!
  "$@" >"$log" 2>&1 </dev/null 9>&- || status=$?
  kill "$heartbeat" 2>/dev/null || true
  wait "$heartbeat" 2>/dev/null || true
  if ((status != 0)); then
    cat "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

setup_check_host() {
  [[ $(uname -s) == Linux ]] || setup_fail "Castellan runs on Linux; this is $(uname -s)."
  command -v node >/dev/null && command -v npm >/dev/null ||
    setup_fail "Node.js >= 20.19 with npm is needed and was not found on PATH."
  node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
  ' || setup_fail "Node.js >= 20.19 is needed; $(command -v node) is $(node --version)."
}

# The commands a native module needs and this machine lacks, by Debian package name.
setup_missing_tools() {
  local tool
  for tool in python3 make g++; do
    command -v "$tool" >/dev/null || printf '%s ' "$tool"
  done
}

setup_compiler() {
  local missing
  missing=$(setup_missing_tools)
  [[ -n $missing ]] || return 0
  if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    setup_say "a compiler may be needed; if the next step fails, install: $missing"
    return 0
  fi
  setup_say "installing $missing"
  setup_quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq update || setup_say "apt-get update failed, trying anyway"
  # shellcheck disable=SC2086 # one word a package
  setup_quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing ||
    setup_fail "could not install $missing"
}

# A native build fetches Node's headers unless told where they are: use local ones when they are of this very version
# line. An existing choice (environment or npm configuration) stands.
setup_headers() {
  local configured
  [[ -z ${npm_config_nodedir:-} ]] || return 0
  configured=$(npm config get nodedir 2>/dev/null) || configured=""
  if [[ -z $configured || $configured == undefined || $configured == null ]]; then
    configured=$(node -e '
      const fs = require("node:fs"), path = require("node:path");
      const own = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
      const major = process.versions.node.split(".")[0];
      const fits = (dir) => {
        try {
          const text = fs.readFileSync(path.join(dir, "include/node/node_version.h"), "utf8");
          return /#define NODE_MAJOR_VERSION (\d+)/.exec(text)?.[1] === major &&
            fs.existsSync(path.join(dir, "include/node/node.h"));
        } catch { return false; }
      };
      process.stdout.write([own, "/usr/local", "/usr"].find(fits) ?? "");
    ')
  fi
  [[ -z $configured ]] || export npm_config_nodedir="$configured"
}

setup_sqlite_loads() {
  node -e 'new (require("better-sqlite3"))(":memory:").close()' 2>/dev/null 9>&-
}

# Identifies what node_modules must hold: the lock file and the binary interface of this Node.
setup_stamp() {
  printf '%s %s\n' "$(sha256sum package-lock.json | cut -d ' ' -f 1)" \
    "$(node -p '`${process.arch}-${process.versions.modules}`')"
}

# True when `npm install` by hand has already brought node_modules to the state of the lock file.
setup_tree_matches_lock() {
  node -e '
    const read = (file) => JSON.parse(require("node:fs").readFileSync(file, "utf8")).packages;
    let have, want;
    try { have = read("node_modules/.package-lock.json"); want = read("package-lock.json"); } catch { process.exit(1); }
    const wanted = Object.entries(want).filter(([path, entry]) => path.includes("node_modules/") && !entry.optional);
    const same = ([path, entry]) => (entry.link ? have[path]?.link : have[path]?.version === entry.version);
    process.exit(wanted.every(same) ? 0 : 1);
  ' 9>&-
}

# Leaves the driver to `setup_driver`: its compiler keeps one core busy for two minutes, in which others need not wait.
setup_packages() {
  local stamp_file=node_modules/.castellan-stamp
  [[ ! -f $stamp_file || $(<"$stamp_file") != "$(setup_stamp)" ]] || return 0
  setup_tree_matches_lock && return 0
  setup_say "installing packages"
  setup_quietly npm ci --no-audit --no-fund --ignore-scripts || setup_fail "npm ci failed (see above)"
}

setup_driver() {
  setup_sqlite_loads && return 0
  setup_headers
  setup_compiler
  setup_say "building better-sqlite3 for $(node --version) (the first time; a minute or two)"
  if ! setup_quietly npm rebuild better-sqlite3 || ! setup_sqlite_loads; then
    setup_fail "better-sqlite3 cannot be loaded or built. Install: python3 make g++ (missing now:" \
      "$(setup_missing_tools)); if Node's headers cannot be downloaded, set npm_config_nodedir to a directory" \
      "that has include/node/node.h"
  fi
}

setup_build() {
  setup_say "building"
  setup_quietly node_modules/.bin/turbo run compile bundle --ui=stream || setup_fail "the build failed (see above)"
}

setup_driver_and_build() {
  setup_driver &
  setup_driver_job=$!
  if ! (setup_build); then
    kill "$setup_driver_job" 2>/dev/null || true
    exit 1
  fi
}

# The lock is held until here, so programs that run before must not inherit its descriptor, 9.
setup_finish() {
  [[ -n ${setup_driver_job:-} ]] || return 0
  wait "$setup_driver_job" || exit 1
  setup_driver_job=""
  setup_say "ready (Node $(node --version), $("$CASTELLAN_NATS_SERVER" -v 2>/dev/null | head -n 1))"
  # Written last: an interrupted installation is repeated.
  setup_stamp >node_modules/.castellan-stamp
  exec 9>&-
}

setup_nats_server() {
  local binary
  binary=$(bash scripts/nats-server.sh 9>&-) || setup_fail "no nats-server (see above)"
  export CASTELLAN_NATS_SERVER="$binary"
}

setup_main() {
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  setup_check_host
  if command -v flock >/dev/null; then
    mkdir -p .cache
    exec 9>.cache/setup.lock
    flock -n 9 || { setup_say "waiting for another set-up" && flock -w 900 9; } ||
      setup_fail "another set-up has held .cache/setup.lock for 15 minutes"
  fi
  setup_packages
  [[ ${CASTELLAN_SETUP_ONLY:-} != packages ]] || return 0
  setup_driver_and_build
  setup_nats_server
}

setup_main
