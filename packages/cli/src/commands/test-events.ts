/** `castellan test-events`: does what sentinels publish come back to them? */
import { testEventsEverywhere } from "@castellan/admin";
import { CastellanError } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { createStyle } from "../format/style.ts";
import { oneLine } from "../format/table.ts";
import { printJson, type Run } from "../invocation.ts";

const WITHIN_MS = 10_000;

/** Throws EVENTS_FAIL with all of the results when one of those that should work does not. */
export const run: Run = async (invocation) => {
  const { io } = invocation;
  const tests = await testEventsEverywhere(await invocation.openAdmin(), invocation.timeoutMs ?? WITHIN_MS);
  const expected = tests.filter(({ down }) => !down);
  const failed = expected.filter(({ tookMs }) => tookMs === null);
  const works = expected.length > 0 && failed.length === 0;
  const style = createStyle(io.outColour);
  if (invocation.json && works) printJson(invocation, tests);
  else if (!invocation.json) {
    for (const { server, tookMs, problem, down } of tests) {
      const word = tookMs !== null ? style.word("ok") : down ? style.word("down") : style.word("fail");
      const what = tookMs !== null ? `back within ${Math.max(1, Math.round(tookMs))} ms` : oneLine(problem ?? "");
      io.out(`${server}: ${word} (${what})\n`);
    }
  }
  if (works) return EXIT.done;
  const which = failed.length === 0 ? "no sentinel runs" : failed.map(({ server }) => server).join(", ");
  throw new CastellanError("EVENTS_FAIL", `events do not work: ${which}`, { retryable: true, details: { tests } });
};
