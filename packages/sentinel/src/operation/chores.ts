/**
 * What a master does without being asked: sees to the dependents of what has died, starts those that are held once all
 * they need is ready, and removes temporary instances that have been stopped.
 *
 * H1 A death is a row until its consequences are journaled: row and operation change in one commit, and the operation's
 *    request id is made of the row's, so that it has consequences once, whatever dies in between.
 * H2 What touches an operation under way waits for its end, unless that operation sees to the same death already.
 */
import type { Clock } from "@castellan/kernel";
import { processLabel, type Target, TypeName } from "@castellan/protocol";
import { type Gateway, type NodeView, type Row, readNodeView, remove, update, type Write } from "@castellan/store";
import { type Chore, ownOperation } from "./chore.ts";
import { createClusterChores } from "./cluster-chores.ts";
import { lossSteps, releaseSteps } from "./followers.ts";
import { anticipate, findOverlap, hasEnded, type OpenOperation } from "./overlap.ts";
import type { PlannedInstance, PlanStep } from "./plan.ts";
import type { ServerWatch } from "./server-watch.ts";

export interface Chores {
  /** The next thing to do, or null. Reads much only when there may be something. */
  next(open: readonly OpenOperation[]): Promise<Chore | null>;
  /** An operation has ended, or something has changed by which more may be possible now. */
  stir(): void;
}

export interface ChoresDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly servers: ServerWatch;
}

/** Who asks for the operations made here. */
const BY = "onRestart";
/** Deaths looked at in one go; the rest come next. */
const MOST_DEATHS = 200;
/** Somebody who could not be released is tried again after this, milliseconds. */
const RELEASE_AGAIN_MS = 15_000;

type Death = Row<"process_event_log">;
type Key = Pick<PlannedInstance, "serverId" | "type" | "instance">;

const keyOf = ({ serverId, type, instance }: Key): string => `${serverId}/${type}/${instance}`;
const keyOfRow = (row: Death | Row<"process_config">): string =>
  keyOf({
    serverId: row.logical_machine_id,
    type: row.logical_process_name,
    instance: row.logical_process_instance,
  });

export function createChores(deps: ChoresDeps): Chores {
  const { gateway, epoch, clock, newId, servers } = deps;
  const released = new Map<string, number>();
  const cluster = createClusterChores(deps);

  const operation = (requestId: string, target: Target, steps: readonly PlanStep[]): Write[] =>
    ownOperation({ verb: "follow", requestId, target, by: BY, steps }, { epoch, now: clock.now(), newId });

  const followDeaths = (deaths: readonly Death[], view: NodeView, open: readonly OpenOperation[]): Chore | null => {
    const done: Death[] = [];
    for (const [key, rows] of groupBy(deaths, keyOfRow)) {
      const lost = view.instances.find((instance) => keyOf(instance) === key);
      const steps = lost === undefined ? [] : lossSteps(lost, view);
      const last = rows.at(-1);
      if (lost === undefined || last === undefined || steps.length === 0 || isSeenTo(lost, open)) {
        done.push(...rows);
        continue;
      }
      const overlap = findOverlap("follow", steps, open);
      if (overlap.kind === "busy") continue;
      return {
        writes: [...markFollowed([...done, ...rows]), ...operation(`follow-${last.id}`, targetOf(lost), steps)],
        steps,
        why: `${processLabel(lost)} on ${lost.server} has died: its dependents follow`,
      };
    }
    return done.length === 0 ? null : { writes: markFollowed(done), steps: [], why: "deaths that concern nobody else" };
  };

  const release = (view: NodeView, open: readonly OpenOperation[]): Chore | null => {
    const nowMs = clock.bootMs();
    const steps = releaseSteps(view, open);
    const starts = steps.filter(({ desired }) => desired === "RUNNING");
    const [first] = starts;
    if (first === undefined || findOverlap("follow", steps, open).kind === "busy") return null;
    if (starts.every((step) => nowMs - (released.get(keyOf(step)) ?? -RELEASE_AGAIN_MS) < RELEASE_AGAIN_MS))
      return null;
    for (const step of starts) released.set(keyOf(step), nowMs);
    const target = starts.length === 1 ? targetOf(first) : {};
    return {
      writes: operation(`release-${newId()}`, target, steps),
      steps,
      why: `what ${processLabel(first)} on ${first.server} waited for is ready again`,
    };
  };

  return {
    async next(open) {
      const [deaths, held, stopped] = await Promise.all([
        gateway.find("process_event_log", {
          where: { followed: false },
          orderBy: [{ column: "timestamp" }, { column: "id" }],
          limit: MOST_DEATHS,
        }),
        gateway.find("process_config", { where: { held: true }, limit: 1 }),
        gateway.find("process_config", { where: { persistent: false, last_known_status: "STOPPED" } }),
      ]);
      const isCluster = servers.sights.size > 1;
      if (deaths.length === 0 && held.length === 0 && !isCluster) return sweep(stopped, open);
      const view = await readNodeView(gateway);
      return (
        followDeaths(deaths, view, open) ??
        release(anticipate(view, open), open) ??
        (isCluster ? await cluster.next(view, open) : null) ??
        sweep(stopped, open)
      );
    },
    stir: () => cluster.stir(),
  };
}

/** An operation under way still waits for this very process to come back: it will do all that is to be done. */
function isSeenTo(lost: PlannedInstance, open: readonly OpenOperation[]): boolean {
  return open.some(
    ({ verb, steps }) =>
      verb === "follow" &&
      steps.some((step) => step.desired === "RUNNING" && !hasEnded(step.state) && keyOf(step) === keyOf(lost)),
  );
}

function markFollowed(deaths: readonly Death[]): Write[] {
  return [update("process_event_log", { id: { in: deaths.map(({ id }) => id) } }, { followed: true }, "any")];
}

function sweep(stopped: readonly Row<"process_config">[], open: readonly OpenOperation[]): Chore | null {
  const busy = new Set(open.flatMap(({ steps }) => steps.filter(({ state }) => !hasEnded(state)).map(keyOf)));
  const writes = stopped.filter((row) => !busy.has(keyOfRow(row))).flatMap(removalOf);
  return writes.length === 0 ? null : { writes, steps: [], why: "temporary instances that were stopped are removed" };
}

/** With the row go its attributes, as with every other. Guarded: not one that has been started again meanwhile. */
function removalOf(row: Row<"process_config">): Write[] {
  const key = {
    logical_machine_id: row.logical_machine_id,
    logical_process_name: row.logical_process_name,
    logical_process_instance: row.logical_process_instance,
  };
  return [
    remove("process_config", { ...key, persistent: false, last_known_status: "STOPPED" }, 1),
    remove("process_attributes", key, "any"),
  ];
}

function targetOf({ server, type, instance }: Pick<PlannedInstance, "server" | "type" | "instance">): Target {
  return { server, type: TypeName.parse(type), instance };
}

function groupBy<T>(values: readonly T[], keyOfValue: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOfValue(value));
    if (group === undefined) groups.set(keyOfValue(value), [value]);
    else group.push(value);
  }
  return groups;
}
