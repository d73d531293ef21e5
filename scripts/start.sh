#!/usr/bin/env bash
# `npm start`: set-up, then the single-server example in the foreground. CASTELLAN_HOME chooses another home directory;
# arguments go to `castellan up`.
set -euo pipefail

# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
setup_finish

readonly EXAMPLE=deploy/examples/01-single-server

run_example() {
  exec node packages/cli/bin/castellan.mjs up --home "${CASTELLAN_HOME:-$EXAMPLE/castellan-home}" \
    --example "$EXAMPLE" "$@"
}

run_example "$@"
