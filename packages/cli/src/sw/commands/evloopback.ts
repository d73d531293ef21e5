/** `swadm evloopback`: do events come back from every server's sentinel? */
import { testEventsEverywhere } from "@castellan/admin";
import { EXIT } from "../../exit-code.ts";
import { printJson, type Run } from "../../invocation.ts";

const WITHIN_MS = 10_000;

export const run: Run = async (invocation) => {
  const { io, json } = invocation;
  const withinMs = invocation.timeoutMs ?? WITHIN_MS;
  const all = await testEventsEverywhere(await invocation.openAdmin(), withinMs);
  const tested = all.filter(({ down }) => !down);
  const failed = tested.filter(({ problem }) => problem !== null);
  const works = tested.length > 0 && failed.length === 0;
  if (json) printJson(invocation, all);
  else if (works) {
    const slowestMs = Math.max(...tested.map(({ tookMs }) => tookMs ?? 0));
    const seconds = Math.max(1, Math.ceil(slowestMs / 1000));
    io.out(`Events working correctly. Received loopback message in ${seconds} second(s).\n`);
  } else {
    io.out(`WARNING: Failed to receive the message in ${withinMs / 1000} seconds.\n`);
    for (const { server, problem } of failed) io.err(`swadm: ${server}: ${problem ?? ""}\n`);
    if (tested.length === 0) io.err("swadm: no sentinel of this node runs\n");
  }
  return works ? EXIT.done : EXIT.notReachable;
};
