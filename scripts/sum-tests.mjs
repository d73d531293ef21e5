/**
 * Sums the results of the test layers: `node sum-tests.mjs DIR`, where DIR holds `LAYER.status` (exit code of vitest)
 * and, if vitest got that far, `LAYER.json` (its JSON report) and `LAYER.stray` (what unhandled-errors.mjs wrote).
 * Names everything that failed, short enough for the tail of a log, then which databases the store was tried on, when it was,
 * then prints the sum as the last line.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { databasesLine } from "./databases-line.mjs";

const dir = process.argv[2] ?? ".";
const sum = { passed: 0, failed: 0, skipped: 0 };
/** What failed: where and which, and what it said. @type {{ name: string, message: string }[]} */
const failures = [];
/** A line for each layer that tries some. @type {string[]} */
const databaseLines = [];

function read(name) {
  const file = join(dir, name);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** The failures of one file of tests. One that cannot even be loaded has no failed test in it, and still is one. */
function failuresOf({ name = "?", status, message = "", assertionResults }) {
  const file = relative(process.cwd(), name);
  const tests = assertionResults.filter((test) => test.status === "failed");
  if (status === "failed" && tests.length === 0) return [{ name: `${file} (the file or its set-up)`, message }];
  return tests.map(({ fullName = "?", duration, failureMessages }) => ({
    name: `${file}: ${fullName}`,
    // What vitest says for a test that it has given up at its deadline.
    message: (failureMessages ?? []).join("\n").replace("STACK_TRACE_ERROR", `not done in time (${duration} ms)`),
  }));
}

for (const file of readdirSync(dir).filter((name) => name.endsWith(".status"))) {
  const layer = file.slice(0, -".status".length);
  const status = Number(read(file));
  const text = read(`${layer}.json`);
  const report = text === undefined ? undefined : JSON.parse(text);
  const found = (report?.testResults ?? []).flatMap(failuresOf);
  if (status !== 0 && found.length === 0) {
    const name = `no test failed, yet vitest ended with ${status} (see above)`;
    found.push({ name, message: read(`${layer}.stray`) ?? "" });
  }
  failures.push(...found.map(({ name, message }) => ({ name: `${layer} ${name}`, message })));
  if (report?.testResults !== undefined) {
    const line = databasesLine(
      layer,
      report.testResults.flatMap(({ assertionResults }) => assertionResults),
    );
    if (line !== null) databaseLines.push(line);
  }
  sum.passed += report?.numPassedTests ?? 0;
  sum.failed += found.length;
  sum.skipped += (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
}

// The tail of a log must name them all: when they are many, each says less. `.ci/run` knows these lines by their starts.
const linesEach = failures.length <= 2 ? 6 : 1;
for (const { name, message } of failures) {
  console.log(`FAILED ${name}`);
  const lines = stripVTControlCharacters(message).split("\n");
  const said = lines.filter((line) => line.trim() !== "" && !line.includes("/node_modules/")).slice(0, linesEach);
  for (const line of said) console.log(`  | ${line.slice(0, 300)}`);
}

for (const line of databaseLines) console.log(line);
const ran = sum.passed + sum.failed;
if (ran === 0) console.log("no test ran");
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ""}`);
process.exitCode = ran === 0 || sum.failed > 0 ? 1 : 0;
