/** A worker joins its node: opens the shared schema, finds its server's row, and takes an incarnation. */
import { CastellanError, type Clock, type IdSource, type Logger, PROGRAM_VERSION, systemRng } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { type SentinelIdentity, takeIncarnation } from "@castellan/sentinel";
import type { Gateway } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import type { HomePaths } from "../home-paths.ts";
import { agreeOnParameters, recordAddress } from "../installation/agree.ts";
import { type LateSchema, openLateSchema } from "./late-schema.ts";
import { type LedgerFile, openLedger } from "./ledger.ts";

export interface JoinSchemaDeps {
  readonly settings: HomeSettings;
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: IdSource;
  readonly signal: AbortSignal;
  /** The schema refuses this worker, which is at work already. */
  readonly refused: (error: Error) => void;
}

export interface JoinedSchema extends Pick<LateSchema, "gateway" | "joined"> {
  /** Its incarnation is that of this start once that is taken, and its predecessor's before. */
  readonly identity: SentinelIdentity;
  readonly ledger: LedgerFile;
}

/** Rejects with `NOT_A_MEMBER`, `PARAMETERS_DIFFER`, and with whatever else makes the schema unusable. */
export async function joinSchema(deps: JoinSchemaDeps): Promise<JoinedSchema> {
  const { settings, paths, clock, log, newId, signal, refused } = deps;
  const { node, server } = settings;
  const { url, passwordFile } = settings.database;
  const ledger = await openLedger(paths.ledger, { node, server }, log);
  const nonce = newId();
  const late = await openLateSchema({
    open: () =>
      openGateway({
        url,
        ...(passwordFile === null ? {} : { passwordFile }),
        clock,
        rng: systemRng,
        logger: log,
        migrate: "never",
        apart: true,
      }),
    async join(gateway) {
      const serverId = await findServer(gateway, settings);
      await agreeOnParameters({ gateway, settings, paths, newId });
      await recordAddress(gateway, serverId, settings);
      const incarnation = await takeIncarnation(gateway, {
        serverId,
        nonce,
        program: PROGRAM_VERSION,
        now: clock.now(),
      });
      const membership = { serverId, incarnation };
      await ledger.joined(membership);
      return membership;
    },
    known: ledger.known,
    refused,
    clock,
    log,
    signal,
  });
  const { serverId } = late.membership();
  const identity: SentinelIdentity = {
    node,
    server,
    serverId,
    home: paths.home,
    get incarnation() {
      return late.membership().incarnation;
    },
  };
  return { gateway: late.gateway, joined: late.joined, identity, ledger };
}

/** Rejects with NOT_A_MEMBER. */
export async function findServer(gateway: Gateway, { node, server }: HomeSettings): Promise<number> {
  const [row] = await gateway.find("node_cluster", { where: { physical_machine_name: server } });
  if (row !== undefined) return row.logical_machine_id;
  throw new CastellanError(
    "NOT_A_MEMBER",
    `server ${server} has no row in node_cluster of node ${node}: its sentinel may not run (swadm add_server ${server})`,
  );
}
