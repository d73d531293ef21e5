/** The worker of this server's sentinel: started by the watcher. */
import { EXIT } from "../exit-code.ts";
import type { Run } from "../invocation.ts";
import { programEntry } from "../program-entry.ts";

export const run: Run<[{ readonly boot?: boolean; readonly rehearse?: boolean }]> = async (
  { home, io },
  { boot = false, rehearse = false },
) => {
  if (rehearse) {
    const { rehearseWorker } = await import("@castellan/daemon/worker");
    io.out(`${await rehearseWorker(home)}\n`);
    return EXIT.done;
  }
  const { runWorker } = await import("@castellan/daemon/worker");
  return await runWorker({ home, boot, program: programEntry(), environment: { ...io.env } });
};
