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
      /** The servers whose sentinels have not ended, and their releases (null: 0.1.0, which does not say); null: not to be read. */
      readonly releases: readonly { readonly server: string; readonly program: string | null }[] | null;
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
  if (fit !== "same" && fit !== "ahead") return { ...reached, node: null, writeProblem: null, releases: null };
  const gateway = await openGateway({ ...options, migrate: "never" });
  try {
    const [row] = await gateway.find("nodes", { limit: 1 });
    const writeProblem = row === undefined ? null : await writeProblemOf(gateway, row);
    return { ...reached, node: row?.node_name ?? null, writeProblem, releases: await releasesOf(gateway) };
  } finally {
    await gateway.close();
  }
}

async function releasesOf(gateway: Gateway): Promise<{ server: string; program: string | null }[]> {
  const [members, sentinels, programs] = await Promise.all([
    gateway.find("node_cluster", { orderBy: [{ column: "logical_machine_id" }] }),
    gateway.find("sentinel", { where: { ended_at: null } }),
    gateway.find("sentinel_program"),
  ]);
  return members.flatMap(({ logical_machine_id: id, physical_machine_name: server }) => {
    const sentinel = sentinels.find((row) => row.logical_machine_id === id);
    if (sentinel === undefined) return [];
    const said = programs.find((row) => row.logical_machine_id === id && row.incarnation === sentinel.incarnation);
    return [{ server, program: said?.program_version ?? null }];
  });
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
