/** The programs of a server's sentinel. They start each other; nobody calls them by hand. */
import type { Group } from "./group.ts";

export const addParts: Group = (program, bind) => {
  program
    .command("worker", { hidden: true })
    .option("--boot", "the pair has just been started: start the processes if PM_AUTO_BOOT says so")
    .option("--rehearse", "say whether it could work, and end; another may be at work meanwhile")
    .action((options: { boot?: boolean; rehearse?: boolean }) =>
      bind(async () => (await import("../commands/worker.ts")).run)(options),
    );
  program
    .command("watcher", { hidden: true })
    .option("--rejoin", "the node's processes were looked after a moment ago")
    .option("--exchange", "ends another pair of this home, and takes its place")
    .action((options: { rejoin?: boolean; exchange?: boolean }) =>
      bind(async () => (await import("../commands/watcher.ts")).run)(options),
    );
};
