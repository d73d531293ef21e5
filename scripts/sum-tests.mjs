/**
 * Sums the results of the test layers: `node sum-tests.mjs DIR`, where DIR holds `LAYER.status` (exit code of vitest)
 * and, if vitest got that far, `LAYER.json` (its JSON report). Prints the sum as the last line.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const dir = process.argv[2] ?? ".";
const sum = { passed: 0, failed: 0, skipped: 0 };

for (const file of readdirSync(dir).filter((name) => name.endsWith(".status"))) {
  const layer = file.slice(0, -".status".length);
  const status = Number(readFileSync(join(dir, file), "utf8"));
  const reportFile = join(dir, `${layer}.json`);
  const report = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, "utf8")) : undefined;

  const testsFailed = report?.numFailedTests ?? 0;
  // A file that cannot even be loaded has no failed test in it, and still is a failure.
  const filesBroken = (report?.testResults ?? []).filter(
    ({ status: outcome, assertionResults }) =>
      outcome === "failed" && !assertionResults.some((test) => test.status === "failed"),
  ).length;
  let failed = testsFailed + filesBroken;
  if (status !== 0 && failed === 0) {
    console.log(`${layer}: no test failed, yet vitest ended with ${status} (see above)`);
    failed = 1;
  }
  sum.passed += report?.numPassedTests ?? 0;
  sum.failed += failed;
  sum.skipped += (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
}

const ran = sum.passed + sum.failed;
if (ran === 0) console.log("no test ran");
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ""}`);
process.exitCode = ran === 0 || sum.failed > 0 ? 1 : 0;
