/**
 * `run/ledger.json`: what a worker must know to go on keeping processes while the database is away at its start: who it is,
 * and what was set for it. It lets nobody do anything new: orders are rows, and come with the database.
 */
import { ensureError, type Logger, readSmallFile, systemCode } from "@castellan/kernel";
import { writeDurably } from "@castellan/sentinel/pair";
import type { Row } from "@castellan/store";
import { z } from "zod";

const Attribute: z.ZodType<Row<"process_attributes">> = z.object({
  logical_machine_id: z.int(),
  logical_process_name: z.string(),
  logical_process_instance: z.int(),
  attribute_name: z.string(),
  attribute_value: z.string(),
  attribute_type: z.string(),
});

const Ledger = z.object({
  version: z.literal(1),
  node: z.string(),
  server: z.string(),
  serverId: z.int().positive(),
  /** Of the last worker that reached the database. */
  incarnation: z.int().positive(),
  settings: z.object({ checkErrorFiles: z.boolean(), attributes: z.array(Attribute) }).nullable(),
});

/** What of the shared schema a server needs without it. */
export interface LedgerSettings {
  readonly checkErrorFiles: boolean;
  readonly attributes: readonly Row<"process_attributes">[];
}

export interface Membership {
  readonly serverId: number;
  readonly incarnation: number;
}

export interface LedgerFile {
  /** As the last worker left it; null = there was none of this server and node. */
  readonly known: Membership | null;
  readonly settings: LedgerSettings | null;
  /** Resolves when it is on disk; a disk that refuses is logged. */
  joined(membership: Membership): Promise<void>;
  /** Does nothing when nothing has changed. Never throws, and does not wait. */
  learn(settings: LedgerSettings): void;
}

const MAX_BYTES = 16 * 1024 * 1024;

export async function openLedger(
  path: string,
  who: { readonly node: string; readonly server: string },
  log: Logger,
): Promise<LedgerFile> {
  const read = await readLedger(path, log);
  const ours = read !== null && read.node === who.node && read.server === who.server ? read : null;
  let membership: Membership | null = ours;
  let settings: LedgerSettings | null = ours?.settings ?? null;
  let writing: Promise<void> = Promise.resolve();

  const write = (): Promise<void> => {
    writing = writing.then(async () => {
      if (membership === null) return;
      const { serverId, incarnation } = membership;
      try {
        await writeDurably(path, `${JSON.stringify({ version: 1, ...who, serverId, incarnation, settings })}\n`);
      } catch (thrown) {
        log.warn("the ledger cannot be written; without the database the next start would keep nothing", {
          path,
          error: ensureError(thrown),
        });
      }
    });
    return writing;
  };

  return {
    known: ours,
    settings,
    joined(now) {
      membership = now;
      return write();
    },
    learn(now) {
      if (JSON.stringify(now) === JSON.stringify(settings)) return;
      settings = now;
      void write();
    },
  };
}

/** Whether a sentinel of this home has been a member of the node as this server. */
export async function hasJoined(
  path: string,
  { node, server }: { readonly node: string; readonly server: string },
  log: Logger,
): Promise<boolean> {
  const read = await readLedger(path, log);
  return read?.node === node && read.server === server;
}

async function readLedger(path: string, log: Logger): Promise<z.infer<typeof Ledger> | null> {
  try {
    return Ledger.parse(JSON.parse((await readSmallFile(path, MAX_BYTES)).toString("utf8")));
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") log.error("the ledger cannot be read", { path, error: ensureError(thrown) });
    return null;
  }
}
