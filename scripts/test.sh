#!/usr/bin/env bash
# test.sh LAYER... [VITEST ARGUMENTS]: set-up, then the layers named, in that order.
#
# The last line is the sum: "N passed, N failed", above it what failed. Fails when a test failed, when a layer broke in
# another way (which counts as one failure), and when no test ran at all. A layer without tests is not a failure.
set -euo pipefail

layers=()
while [[ ${1:-} =~ ^(unit|integration|databases|acceptance|life|mssql|chaos|cluster)(-postgres)?$ ]]; do
  layers+=("$1")
  shift
done

# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM

has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

for layer in "${layers[@]}"; do
  [[ $layer == unit ]] || setup_finish # it opens no database
  printf '\n== %s\n' "$layer"
  if [[ $layer == *-postgres ]] && ! has_postgres; then
    printf "skipped: install Debian's postgresql to run it\n"
    continue
  fi
  status=0
  CASTELLAN_UNHANDLED_ERRORS="$results/$layer.stray" \
    node_modules/.bin/vitest run --project "$layer" --passWithNoTests --reporter=default --reporter=json \
    --outputFile.json="$results/$layer.json" --reporter=./scripts/unhandled-errors.mjs "$@" </dev/null 9>&- || status=$?
  printf '%s\n' "$status" >"$results/$layer.status"
done

setup_finish
printf '\n'
node scripts/sum-tests.mjs "$results"
