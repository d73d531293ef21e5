/** Whether the shared schema can be reached, is the right one, can be written, and agrees about the time. */
import { existsSync } from "node:fs";
import { CastellanError, type Clock, ensureError, silentLogger, sleep, systemRng } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { type Gateway, update } from "@castellan/store";
import { type DatabaseSurvey, openGateway, type SurveyOptions, surveyDatabase } from "@castellan/store/typeorm";

export type DatabaseFacts = { readonly url: string } & (
  | ({
      readonly kind: "reached";
      /** What it took to connect and to ask. */
      readonly ms: number;
      /** Name of the node the schema belongs to; null: none yet, or the schema cannot be read by this program. */
      readonly node: string | null;
      /** Name of the node that this home's settings speak of. */
      readonly wantedNode: string;
      readonly writeProblem: string | null;
    } & DatabaseSurvey)
  /** An embedded database that the first start will make. */
  | { readonly kind: "not-yet" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
);

/** A database that does not answer at all is given up then, milliseconds. */
const WITHIN_MS = 8000;

export async function examineDatabase(settings: HomeSettings, clock: Clock): Promise<DatabaseFacts> {
  const { url } = settings.database;
  if (url.startsWith("sqlite:") && !existsSync(url.slice("sqlite:".length))) return { url, kind: "not-yet" };
  const failed = (thrown: unknown): DatabaseFacts => {
    const { message } = ensureError(thrown);
    return { url, kind: "failed", code: thrown instanceof CastellanError ? thrown.code : "INTERNAL", message };
  };
  const answered = new AbortController();
  const lateAnswer = new CastellanError("TIMED_OUT", `no answer within ${WITHIN_MS / 1000} s`);
  try {
    // What comes later than that closes what it has opened, and is heard by nobody.
    return await Promise.race([
      look(settings, clock).catch(failed),
      sleep(clock, WITHIN_MS, answered.signal).then(() => failed(lateAnswer)),
    ]);
  } finally {
    answered.abort();
  }
}

async function look({ database, node: wantedNode }: HomeSettings, clock: Clock): Promise<DatabaseFacts> {
  const { url, passwordFile } = database;
  const options: SurveyOptions = {
    url,
    ...(passwordFile === null ? {} : { passwordFile }),
    clock,
    rng: systemRng,
    logger: silentLogger,
  };
  const startedMs = clock.bootMs();
  const survey = await surveyDatabase(options);
  const ms = Math.round(clock.bootMs() - startedMs);
  const reached = { url, kind: "reached", ms, wantedNode, ...survey } as const;
  const { fit } = survey.schema;
  if (fit !== "same" && fit !== "ahead") return { ...reached, node: null, writeProblem: null };
  const gateway = await openGateway({ ...options, migrate: "never" });
  try {
    const [row] = await gateway.find("nodes", { limit: 1 });
    const writeProblem = row === undefined ? null : await writeProblemOf(gateway, row);
    return { ...reached, node: row?.node_name ?? null, writeProblem };
  } finally {
    await gateway.close();
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
