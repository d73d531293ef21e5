/** The worker of this server's sentinel: started by the watcher. */
import type { Run } from "../invocation.ts";
import { programEntry } from "../program-entry.ts";

export const run: Run<[{ readonly boot?: boolean }]> = async ({ home, io }, { boot = false }) => {
  const { runWorker } = await import("@castellan/daemon/worker");
  return await runWorker({ home, boot, program: programEntry(), environment: { ...io.env } });
};
