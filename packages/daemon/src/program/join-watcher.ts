/** The worker's side of the pair: it watches the watcher and brings it back, and is watched. */
import { relative } from "node:path";
import { sleep } from "@castellan/kernel";
import { connectChannel, createProcReader } from "@castellan/sentinel/pair";
import { guardPeer } from "../pair/guard-peer.ts";
import { announcePart, launchPart } from "../pair/part.ts";
import { reportProgress } from "./program.ts";
import type { WorkerOptions, WorkerRim } from "./worker-rim.ts";

export interface WatcherTie {
  /** From now on the watcher is not brought back, and it is told to end too. */
  endsInOrder(): void;
}

/** For the last words to the watcher to get through. */
const FAREWELL_MS = 50;

/** Until the worker ends. */
export async function joinWatcher({ program, environment }: WorkerOptions, rim: WorkerRim): Promise<WatcherTie> {
  const { paths, clock, log, messages, ending } = rim;
  const proc = createProcReader();
  await announcePart(paths, "worker", proc);
  let inOrder = false;
  const channel = connectChannel(relative(paths.home, paths.channel), clock, {
    message: (message) => {
      if (message.type === "progress") guard.progressed();
    },
    up: () => channel.send({ type: "hello", part: "worker", pid: process.pid }),
    down: () => log.warn("the watcher's connection is gone"),
  });
  const guard = guardPeer({
    peer: "watcher",
    paths,
    clock,
    proc,
    log,
    messages,
    launch: () => launchPart(paths, "watcher", { program, extraArguments: ["--rejoin"], environment, proc }),
  });
  const progress = reportProgress(channel, clock);
  const sayFarewell = (): void => channel.send({ type: "stop" });
  ending.add("pair", async () => {
    guard.stop();
    progress.cancel();
    if (inOrder) {
      sayFarewell(); // it may have been away when it was told
      await sleep(clock, FAREWELL_MS);
    }
    channel.close();
  });
  return {
    endsInOrder() {
      inOrder = true;
      guard.stop();
      // At once: if this worker is killed on its way, or has to be, nobody brings it back.
      sayFarewell();
    },
  };
}
