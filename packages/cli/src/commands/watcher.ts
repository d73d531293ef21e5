/** The watcher of this server's sentinel: started by `up`, by systemd, and by the worker. */
import type { Run } from "../invocation.ts";
import { programEntry } from "../program-entry.ts";

export const run: Run<[{ readonly rejoin?: boolean; readonly exchange?: boolean }]> = async (
  { home, io },
  { rejoin = false, exchange = false },
) => {
  const { runWatcher } = await import("@castellan/daemon/watcher");
  return await runWatcher({ home, rejoin, exchange, program: programEntry(), environment: { ...io.env } });
};
