/**
 * The system account of the NATS servers that a node keeps: what may be asked there about the group of JetStream, and only there.
 * Its password never leaves the home; everybody else is in the ordinary account, which needs none.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { connectLink } from "@castellan/actor/nats";
import { type Clock, type Logger, readSmallFileSync, systemCode } from "@castellan/kernel";
import type { NatsSettings } from "@castellan/protocol";
import { writeDurably } from "@castellan/sentinel/pair";
import type { NatsConnection } from "nats";
import { z } from "zod";
import { linkSettings } from "../bus/link-settings.ts";
import { SYSTEM_USER } from "./config.ts";

const SECRET_BYTES = 24;
const MAX_FILE_BYTES = 1024;
const ASK_MS = 2000;
const CONNECT_MS = 3000;

/** Made when it is not there; 0600, in a directory of the owner only. */
export async function systemPassword(file: string): Promise<string> {
  try {
    const secret = readSmallFileSync(file, MAX_FILE_BYTES).toString("utf8").trim();
    if (/^[0-9a-f]{48}$/.test(secret)) return secret;
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
  }
  const secret = randomBytes(SECRET_BYTES).toString("hex");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  await writeDurably(file, `${secret}\n`);
  return secret;
}

/** The servers that decide together what JetStream holds where. */
export interface MetaGroup {
  /** Null while there is none: nothing can be made or moved then. */
  readonly leader: string | null;
  /** Names of all servers in it, those that are away too. */
  readonly peers: readonly string[];
}

export interface SystemAccount {
  /** Rejects when the server does not answer in time. */
  metaGroup(): Promise<MetaGroup>;
  /** The group goes on without it; false when it has not been done (no leader, or it is none of them). */
  evict(peer: string): Promise<boolean>;
  /** Another server becomes its leader. */
  stepDown(): Promise<void>;
  /** How many connections to other servers of its cluster there are. */
  routes(): Promise<number>;
  close(): Promise<void>;
}

const Jsz = z.object({
  data: z.object({
    meta_cluster: z
      .object({ leader: z.string().optional(), replicas: z.array(z.object({ name: z.string() })).optional() })
      .optional(),
  }),
});
const Routez = z.object({ data: z.object({ num_routes: z.int() }) });
const Varz = z.object({ server: z.object({ id: z.string(), name: z.string() }) });
const Removed = z.object({ success: z.boolean().optional() });

/** Connects to the server of this home. Rejects when that is not there. */
export async function openSystemAccount(deps: {
  readonly nats: NatsSettings;
  readonly password: string;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<SystemAccount> {
  const { nats, password, clock, log } = deps;
  const link = await connectLink({
    ...linkSettings(nats),
    user: SYSTEM_USER,
    password,
    name: "castellan-steward",
    logger: log,
    clock,
    firstConnectMs: CONNECT_MS,
  });
  const { connection } = link;
  const id = connection.info?.server_id ?? "";
  const ask = async <T>(subject: string, schema: z.ZodType<T>, body: unknown = {}): Promise<T> =>
    schema.parse(await answerTo(connection, subject, body));
  return {
    async metaGroup() {
      const own = await ask(`$SYS.REQ.SERVER.${id}.JSZ`, Jsz.and(Varz));
      const { leader, replicas = [] } = own.data.meta_cluster ?? {};
      // Replicas are the others, as this server sees them.
      const peers = new Set([own.server.name, ...replicas.map(({ name }) => name)]);
      return { leader: leader === undefined || leader === "" ? null : leader, peers: [...peers] };
    },
    async evict(peer) {
      return (await ask("$JS.API.SERVER.REMOVE", Removed, { peer })).success === true;
    },
    async stepDown() {
      await answerTo(connection, "$JS.API.META.LEADER.STEPDOWN", {});
    },
    async routes() {
      return (await ask(`$SYS.REQ.SERVER.${id}.ROUTEZ`, Routez)).data.num_routes;
    },
    close: () => link.close(),
  };
}

async function answerTo(connection: NatsConnection, subject: string, body: unknown): Promise<unknown> {
  return (await connection.request(subject, JSON.stringify(body), { timeout: ASK_MS })).json();
}
