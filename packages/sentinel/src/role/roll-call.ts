/**
 * The roll call of the master, for its term: records what each server is (`call-roll.ts` decides), tells subscribers, and
 * tells the administrator of those that are lost (`server-alerts.ts`). It is the only writer of `server_state`.
 *
 * V6 The state is recorded before anything is told of it; what was not told is found by the next look, or the next master.
 */
import { createHash } from "node:crypto";
import { type Behavior, receive, setup } from "@castellan/actor";
import { ensureError } from "@castellan/kernel";
import { type Alert, type AlertPhase, causeKey, type ServerEvent, type ServerState } from "@castellan/protocol";
import { UNFINISHED_STATES } from "@castellan/protocol/words";
import { type Gateway, type Row, StoreConflict, update, type Write } from "@castellan/store";
import type { AlertSink, EventSink } from "../ports.ts";
import { callRoll, type Roll, type ServerSigns, SILENT_MS } from "./call-roll.ts";
import { fence } from "./mastership.ts";
import { decideServerAlerts, type ServerStanding, type Telling, type Told } from "./server-alerts.ts";

export interface RollCallDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  /** The master's own server: up, since it says so itself. */
  readonly serverId: number;
  /** When the last heartbeat of a server's worker was heard, boot-time milliseconds. */
  readonly heardAtMs: (server: string) => number | null;
  /** Since when the own link to the bus is there without a break, boot-time milliseconds; null = it is not. */
  readonly linkSinceMs: () => number | null;
  /** Not one that tells again by itself what it was told: the next master is told nothing of that. */
  readonly alerts: AlertSink;
  readonly events: EventSink;
  readonly onDeposed: () => void;
  /** The term was ended: this server lives on. */
  readonly isOver: () => boolean;
}

/** Between two looks, and on a node of one server, milliseconds. */
const LOOK_MS = 1000;
const LOOK_ALONE_MS = 5000;
/** Open items are looked for at least every so many looks, also when no server is missing. */
const ITEMS_EVERY = 15;

type Tick = { readonly type: "Tick" };
interface Server extends ServerSigns {
  readonly name: string;
  readonly incarnation: number;
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

export function createRollCall(deps: RollCallDeps): Behavior<Tick> {
  const { gateway, epoch, serverId, alerts, events } = deps;
  return setup<Tick>(({ clock, log, timers, self }) => {
    let known: Roll = new Map();
    let told: ReadonlyMap<string, Told> = new Map();
    let looks = 0;
    /** Heartbeats are listened to since then. */
    const beganMs = clock.bootMs();
    const linkSinceMs = (): number | null => {
      const sinceMs = deps.linkSinceMs();
      return sinceMs === null ? null : Math.max(sinceMs, beganMs);
    };

    const record = async (changes: ReadonlyMap<number, ServerState>, servers: readonly Server[]): Promise<void> => {
      const now = clock.now();
      const writes: Write[] = [...changes].map(([id, state]) =>
        update("server_state", { logical_machine_id: id }, { state, epoch, changed_at: now }, "any"),
      );
      await gateway.commit([fence(epoch), ...writes]);
      for (const { id, name, recorded, hasEnded } of servers) {
        const state = changes.get(id);
        if (state === undefined) continue;
        const inOrder = hasEnded && state === "down";
        log[state === "up" || inOrder ? "info" : "warn"]("a server has changed", { server: name, state, recorded });
        const data = { server: name, state, previous: recorded, inOrder, epoch } satisfies ServerEvent;
        events.publish({ kind: "node", what: "server-changed" }, { type: "castellan.node.server-changed", data });
      }
    };

    const look = async (): Promise<void> => {
      const servers = await readServers(deps);
      const others = servers.filter(({ id }) => id !== serverId);
      timers.once("look", others.length === 0 ? LOOK_ALONE_MS : LOOK_MS, { type: "Tick" });
      const called = callRoll(known, others, linkSinceMs(), clock.bootMs());
      known = called.known;
      const changes = new Map(called.changes);
      if (servers.some(({ id, recorded }) => id === serverId && recorded !== "up")) changes.set(serverId, "up");
      if (changes.size > 0) await record(changes, servers);

      const standings = others.map((server) => standingOf(server, changes.get(server.id), called.foundDown));
      const isQuiet = standings.every(({ standing }) => standing === "fine") && told.size === 0;
      looks += 1;
      if (others.length === 0 || (isQuiet && looks % ITEMS_EVERY !== 1)) return;
      const causes = await openCauses(gateway);
      const decided = decideServerAlerts(
        [...standings, ...former(causes, servers)].map((one) => ({ ...one, openCause: causes.get(one.name) ?? null })),
        told,
        clock.bootMs(),
      );
      told = decided.told;
      for (const telling of decided.tell) tell(telling, servers);
    };

    const tell = (telling: Telling, servers: readonly Server[]): void => {
      const server = servers.find(({ name }) => name === telling.name);
      const [phase, alert] = alertOf(telling, server?.incarnation ?? 0, clock.now());
      alerts.report(phase, alert).catch((thrown: unknown) => {
        told = new Map([...told].filter(([name]) => name !== telling.name)); // the next look tells it
        log.warn("what became of a server could not be told yet", { server: telling.name, error: ensureError(thrown) });
      });
    };

    const guarded = async (act: () => Promise<void>): Promise<void> => {
      try {
        await act();
      } catch (thrown) {
        known = new Map(); // what was not seen meanwhile cannot be judged
        timers.once("look", LOOK_MS, { type: "Tick" });
        if (thrown instanceof StoreConflict) deps.onDeposed();
        else log.warn("the servers could not be looked at", { error: ensureError(thrown) });
      }
    };
    /** This server's sentinel ends in order: nobody is left to say so later, nor of those that have ended a moment before. */
    const leave = async (): Promise<void> => {
      const left = { state: "down", epoch, changed_at: clock.now() };
      const ended = (await readServers(deps)).filter(({ id, hasEnded }) => hasEnded || id === serverId);
      await gateway.commit([
        fence(epoch),
        ...ended.map(({ id }) => update("server_state", { logical_machine_id: id }, left, "any")),
      ]);
    };

    self.tell({ type: "Tick" });
    return receive<Tick>(
      { Tick: () => guarded(look) },
      { stopping: (why) => (why === "stopped" && !deps.isOver() ? guarded(leave) : undefined) },
    );
  });
}

async function readServers({ gateway, heardAtMs }: Pick<RollCallDeps, "gateway" | "heardAtMs">): Promise<Server[]> {
  const [members, sentinels, states, revoked] = await Promise.all([
    gateway.find("node_cluster"),
    gateway.find("sentinel"),
    gateway.find("server_state"),
    gateway.find("server_grant", { where: { revoked: true } }),
  ]);
  return members.map((member) => signsOf(member, { sentinels, states, revoked }, heardAtMs));
}

interface SchemaView {
  readonly sentinels: readonly Row<"sentinel">[];
  readonly states: readonly Row<"server_state">[];
  /** Grants that are. */
  readonly revoked: readonly Row<"server_grant">[];
}

function signsOf(
  { logical_machine_id: id, physical_machine_name: name }: Row<"node_cluster">,
  { sentinels, states, revoked }: SchemaView,
  heardAtMs: RollCallDeps["heardAtMs"],
): Server {
  const sentinel = sentinels.find((row) => row.logical_machine_id === id);
  const state = states.find((row) => row.logical_machine_id === id)?.state;
  return {
    id,
    name,
    incarnation: sentinel?.incarnation ?? 0,
    sign: sentinel === undefined ? null : `${sentinel.incarnation} ${sentinel.last_seen_at.getTime()}`,
    hasEnded: sentinel !== undefined && sentinel.ended_at !== null,
    // A sentinel that has begun after its server was given up is not cut off: it takes a new grant.
    isIsolated: revoked.some((row) => row.logical_machine_id === id && row.incarnation === sentinel?.incarnation),
    heardAtMs: heardAtMs(name),
    recorded: state === "up" || state === "suspect" || state === "isolated" ? state : "down",
  };
}

const isAway = (state: ServerState): boolean => state === "down" || state === "isolated";

/** That it is recorded as down is no loss yet: its sentinel may be just starting. */
function standingOf(
  server: Server,
  changed: ServerState | undefined,
  foundDown: ReadonlySet<number>,
): Omit<ServerStanding, "openCause"> {
  const state = changed ?? server.recorded;
  const isAbsent = isAway(state);
  const isExpected = server.sign !== null && !server.hasEnded;
  const isUnsure = state === "suspect" || (isExpected && state === "down" && !foundDown.has(server.id));
  return {
    name: server.name,
    standing: isUnsure ? "unsure" : isAbsent && isExpected ? "lost" : "fine",
    isNew: isAbsent && !isAway(server.recorded),
  };
}

/** Nobody misses a server that belongs to the node no more. */
function former(causes: ReadonlyMap<string, string>, members: readonly Server[]): Omit<ServerStanding, "openCause">[] {
  const names = [...causes.keys()].filter((name) => members.every((member) => member.name !== name));
  return names.map((name) => ({ name, standing: "fine", isNew: false }));
}

/** By server. */
async function openCauses(gateway: Gateway): Promise<Map<string, string>> {
  const items = await gateway.find("work_item", { where: { kind: "server", state: { in: UNFINISHED_STATES } } });
  return new Map(items.map((item) => [item.server_name, item.cause]));
}

function alertOf({ name, what, cause }: Telling, incarnation: number, now: Date): [AlertPhase, Alert] {
  const generation = String(incarnation);
  const summary =
    what === "resolved"
      ? `server ${name} is back, or was taken down in order`
      : `server ${name} is lost: nothing was heard of it for ${SILENT_MS / 1000} s, neither on the bus nor in the schema`;
  const alert: Alert = {
    kind: "server",
    server: name,
    subject: name,
    severity: "critical",
    summary,
    occurredAt: now.toISOString(),
    cause: cause ?? causeKey({ kind: "server", server: name, subject: name, generation }, hash),
    details: { incarnation, ...(what === "reasserted" ? { reasserted: true } : {}) },
  };
  return [what === "reasserted" ? "repeated" : what, alert];
}
