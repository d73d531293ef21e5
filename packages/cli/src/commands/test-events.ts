/** `castellan test-events`: does what sentinels publish come back to them? */
import { testEventsEverywhere } from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { createStyle } from "../format/style.ts";
import { oneLine } from "../format/table.ts";
import { printJson, type Run } from "../invocation.ts";

const WITHIN_MS = 10_000;

export const run: Run = async (invocation) => {
  const { io } = invocation;
  const tests = await testEventsEverywhere(await invocation.openAdmin(), invocation.timeoutMs ?? WITHIN_MS);
  const style = createStyle(io.outColour);
  if (invocation.json) printJson(invocation, tests);
  else {
    for (const { server, tookMs, problem, down } of tests) {
      const word = tookMs !== null ? style.word("ok") : down ? style.word("down") : style.word("fail");
      const what = tookMs !== null ? `back within ${Math.max(1, Math.round(tookMs))} ms` : oneLine(problem ?? "");
      io.out(`${server}: ${word} (${what})\n`);
    }
  }
  const expected = tests.filter(({ down }) => !down);
  return expected.length > 0 && expected.every(({ tookMs }) => tookMs !== null) ? EXIT.done : EXIT.notReachable;
};
