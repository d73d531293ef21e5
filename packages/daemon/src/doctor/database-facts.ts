/** Whether the shared schema can be reached, is the right one, and can be written. */
import { existsSync } from "node:fs";
import { CastellanError, type Clock, ensureError, silentLogger, sleep, systemRng } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { type Gateway, update } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";

export type DatabaseFacts = { readonly url: string } & (
  | {
      readonly kind: "reached";
      readonly ms: number;
      /** Name of the node the schema belongs to; null: none yet. */
      readonly node: string | null;
      /** Name of the node that this home's settings speak of. */
      readonly wantedNode: string;
      readonly writeProblem: string | null;
    }
  /** An embedded database that the first start will make. */
  | { readonly kind: "not-yet" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
);

/** A database that does not answer at all is given up then, milliseconds. */
const WITHIN_MS = 8000;

export async function examineDatabase(settings: HomeSettings, clock: Clock): Promise<DatabaseFacts> {
  const { url, passwordFile } = settings.database;
  if (url.startsWith("sqlite:") && !existsSync(url.slice("sqlite:".length))) return { url, kind: "not-yet" };
  const startedMs = clock.bootMs();
  const late = new AbortController();
  try {
    const opening = openGateway({
      url,
      ...(passwordFile === null ? {} : { passwordFile }),
      clock,
      rng: systemRng,
      logger: silentLogger,
      migrate: "never",
    });
    const gateway = await Promise.race([opening, sleep(clock, WITHIN_MS, late.signal).then(() => null)]);
    if (gateway === null) {
      opening.then((opened) => opened.close()).catch(() => undefined); // nobody waits for it any more
      return { url, kind: "failed", code: "TIMED_OUT", message: `no answer within ${WITHIN_MS / 1000} s` };
    }
    try {
      const [row] = await gateway.find("nodes", { limit: 1 });
      const ms = Math.round(clock.bootMs() - startedMs);
      const node = row?.node_name ?? null;
      const writeProblem = row === undefined ? null : await writeProblemOf(gateway, row);
      return { url, kind: "reached", ms, node, wantedNode: settings.node, writeProblem };
    } finally {
      await gateway.close();
    }
  } catch (thrown) {
    const { message } = ensureError(thrown);
    return { url, kind: "failed", code: thrown instanceof CastellanError ? thrown.code : "INTERNAL", message };
  } finally {
    late.abort();
  }
}

/** Writes what is there already. */
async function writeProblemOf(
  gateway: Gateway,
  row: { readonly node_id: number; readonly dir_name: string },
): Promise<string | null> {
  try {
    await gateway.commit([update("nodes", { node_id: row.node_id }, { dir_name: row.dir_name }, "any")]);
    return null;
  } catch (thrown) {
    return ensureError(thrown).message;
  }
}
