#!/usr/bin/env bash
# `npm test`: set-up, then every layer of tests from the cheapest to the dearest. Arguments go to vitest.
#
# The last line is the sum: "N passed, N failed". Fails when a test failed, when a layer broke in another way (which
# counts as one failure), and when no test ran at all. A layer without tests is not a failure.
set -euo pipefail

# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM

for layer in unit integration acceptance chaos; do
  printf '\n== %s\n' "$layer"
  status=0
  node_modules/.bin/vitest run --project "$layer" --passWithNoTests \
    --reporter=default --reporter=json --outputFile.json="$results/$layer.json" "$@" </dev/null || status=$?
  printf '%s\n' "$status" >"$results/$layer.status"
done

printf '\n'
node scripts/sum-tests.mjs "$results"
