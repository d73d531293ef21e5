/**
 * What a keeper must know again after the worker was killed: one small file per instance, `run/processes/{token}.json`.
 *
 * R1 The intent (launch id, wish) is in its file before the first process is spawned under that launch id. A replacement
 *    after a death runs under the same launch id, so it needs no new intent.
 * R2 The identity in a record is a hint that makes finding cheap; the launch id finds the process without it.
 * R3 Only what must outlive the host is synced to the disk: an alert, and that an instance is held. What ends the host ends
 *    the processes too, so for an intent it is enough to survive the worker.
 * R4 Writes of one record happen one after the other, and the last one wins.
 */
import { mkdir, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { ensureError, type Logger, readSmallFile, systemCode } from "@castellan/kernel";
import { type ProcessKey, ProcessType, parseProcessToken, processToken } from "@castellan/protocol";
import { z } from "zod";
import { syncDirectory, writeDurably, writeWhole } from "../durable-file.ts";
import { isProcessIdentity, type ProcessIdentity } from "./identity.ts";

/** What of a process type is needed to launch, watch and stop an instance. */
export type LaunchDefinition = Pick<
  ProcessType,
  "command" | "cwd" | "env" | "ready" | "stop" | "pausable" | "pause" | "logs" | "layer" | "exclusive"
>;

/** It must not run twice in the node, so it needs the grant of its server. */
export const isGranted = ({ layer, exclusive }: Pick<LaunchDefinition, "layer" | "exclusive">): boolean =>
  layer === "foreground" || exclusive;

const timeout = z.number().nonnegative();
/** The parsed form of a type (times are numbers), as it is written here; the user's form is parsed in `protocol`. */
const StoredDefinition: z.ZodType<LaunchDefinition> = z.object({
  command: z.array(z.string()).min(1),
  cwd: z.string(),
  env: z.record(z.string(), z.string()),
  pausable: z.boolean(),
  pause: ProcessType.shape.pause,
  ready: z.union([
    z.object({ tcp: z.union([z.number(), z.string()]), timeout }),
    z.object({ http: z.string(), timeout }),
    z.object({ exec: z.array(z.string()).min(1), timeout }),
    z.object({ logLine: z.string(), timeout }),
    z.object({ none: z.literal(true) }),
  ]),
  stop: z.object({
    signal: z.enum(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"]),
    grace: z.number().nonnegative(),
  }),
  logs: z.object({ keep: z.int().positive() }),
  layer: ProcessType.shape.layer,
  exclusive: ProcessType.shape.exclusive,
});

export const ProcessRecord = z.object({
  version: z.literal(1),
  type: z.string(),
  instance: z.int(),
  /** What an order asked for last. */
  wish: z.enum(["RUNNING", "STOPPED", "PAUSED", "HELD"]),
  /** `intent`: about to be launched, or launched but the identity is not written yet. */
  phase: z.enum(["stopped", "held", "intent", "launched", "backing-off", "suspended"]),
  /** Of the order that launched, or is launching, it. */
  launchId: z.string().nullable(),
  identity: z.custom<ProcessIdentity>(isProcessIdentity).nullable(),
  isReady: z.boolean(),
  /** Where the output of this launch begins in its log file, bytes. */
  logOffset: z.int().nonnegative(),
  /** See `restart-window.ts`. */
  window: z.array(z.number()),
  restarts: z.int(),
  comment: z.string(),
  /** Since when the status is what it is. */
  since: z.iso.datetime().nullable(),
  /** The alert about it that is still to be told, or open. `cause` is the generation of its cause key. */
  alert: z.object({ cause: z.string(), summary: z.string(), phase: z.enum(["raise", "raised", "resolve"]) }).nullable(),
  /** As it was launched: how to stop it, whatever the type says by now. */
  definition: StoredDefinition.nullable(),
});
export type ProcessRecord = z.infer<typeof ProcessRecord>;

/** A command has at most 256 arguments of 4,096 characters; an environment may be as large. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

const outlivesHost = ({ alert, wish }: ProcessRecord): boolean => alert !== null || wish === "HELD";

/** The records of one home. What was written last is also in memory, so that a restarted keeper starts from it. */
export interface RecordStore {
  /** Reads every record; call before any other. A record that cannot be read is set aside as `.bad` and logged. */
  load(): Promise<ProcessRecord[]>;
  get(key: ProcessKey): ProcessRecord | null;
  /** On return it survives the worker, and the host if it must (R3). Rejects with the system's error (full, read-only); memory has it all the same. */
  put(record: ProcessRecord): Promise<void>;
  /** Only in memory: what was learned at start-up, written with the next change. */
  learn(record: ProcessRecord): void;
  remove(key: ProcessKey): Promise<void>;
}

export function createRecordStore(home: string, log: Logger): RecordStore {
  const directory = join(home, "run", "processes");
  const current = new Map<string, ProcessRecord>();
  /** The last write or removal per token. */
  const chains = new Map<string, Promise<void>>();
  /** Writes that wait for their turn: they will take the latest record, so a second one need not queue. */
  const queued = new Map<string, Promise<void>>();
  const pathOf = (token: string): string => join(directory, `${token}.json`);

  /** Runs `work` after what is already under way for this token; a failure is the caller's alone. */
  const inOrder = (token: string, work: () => Promise<void>): Promise<void> => {
    const turn = (chains.get(token) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    chains.set(token, settled);
    void settled.then(() => {
      if (chains.get(token) === settled) chains.delete(token);
    });
    return turn;
  };

  const readRecord = async (token: string): Promise<ProcessRecord | null> => {
    const path = pathOf(token);
    try {
      const record = ProcessRecord.parse(JSON.parse((await readSmallFile(path, MAX_RECORD_BYTES)).toString("utf8")));
      if (processToken(record) !== token) throw new TypeError(`it is that of ${processToken(record)}`);
      return record;
    } catch (thrown) {
      log.error("a process record cannot be read and is set aside; its process is looked for by its environment", {
        path,
        error: ensureError(thrown).message,
      });
      await rename(path, `${path}.bad`).catch((error: unknown) => log.warn("cannot set it aside", { path, error }));
      return null;
    }
  };

  return {
    async load() {
      // On a read-only home there is nothing to load and nothing can be recorded; the first launch says so.
      await mkdir(directory, { recursive: true }).catch((error: unknown) =>
        log.error("process records cannot be kept", { directory, error: ensureError(error).message }),
      );
      const names = await readdir(directory).catch((): string[] => []);
      for (const name of names) {
        const token = name.endsWith(".json") ? name.slice(0, -".json".length) : "";
        // What is in memory is newer: this is not the first load of this worker.
        if (parseProcessToken(token) === null || current.has(token)) continue;
        const record = await readRecord(token);
        if (record !== null) current.set(token, record);
      }
      return [...current.values()];
    },
    get: (key) => current.get(processToken(key)) ?? null,
    learn: (record) => void current.set(processToken(record), record),
    put(record) {
      const token = processToken(record);
      current.set(token, record);
      const waiting = queued.get(token);
      if (waiting !== undefined) return waiting;
      const writing = inOrder(token, async () => {
        queued.delete(token);
        const latest = current.get(token);
        if (latest === undefined) return; // removed meanwhile
        const write = outlivesHost(latest) ? writeDurably : writeWhole;
        await write(pathOf(token), `${JSON.stringify(latest)}\n`);
      });
      queued.set(token, writing);
      return writing;
    },
    remove(key) {
      const token = processToken(key);
      current.delete(token);
      queued.delete(token); // a later put must come after the removal, not share a turn before it
      return inOrder(token, async () => {
        try {
          await unlink(pathOf(token));
          await syncDirectory(directory);
        } catch (thrown) {
          if (systemCode(thrown) !== "ENOENT") throw thrown;
        }
      });
    },
  };
}
