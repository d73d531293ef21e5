/**
 * The operation that takes the foreground to the master: HELD on its old server, all of it; then the rows change their server in
 * the commit that readies the first start; then RUNNING on the new one. Who depends on it is treated as with a RESTART.
 *
 * V1 A row changes its server only when nothing runs there any more: every HELD step is done, or the grant is over.
 * V2 HELD says in the row itself that it is to be up: whatever dies on the way, the next master knows what to bring back.
 */
import { type Gateway, insert, type Row, remove, update, type Write } from "@castellan/store";
import { z } from "zod";
import { followersOf } from "./followers.ts";
import type { OpenOperation } from "./overlap.ts";
import type { PlannedInstance, PlannerView, PlanStep } from "./plan.ts";
import { isMissing, isUp } from "./plan-checks.ts";
import { allOf, layOut } from "./steps.ts";
import type { Wave } from "./wave.ts";

/** `operation.options` of a move: whose rows change from where to where. */
const MoveOptions = z.object({
  from: z.int(),
  to: z.int(),
  instances: z.array(z.tuple([z.string(), z.int()])),
});
export type MoveOptions = z.infer<typeof MoveOptions>;

export interface Move {
  readonly options: MoveOptions;
  readonly steps: readonly PlanStep[];
}

/** `isConfirmed`: nothing runs at the old place any more. */
export function planMove(
  instances: readonly PlannedInstance[],
  to: { readonly id: number; readonly name: string },
  view: PlannerView,
  isConfirmed: boolean,
): Move {
  const moved = new Set(instances.map(keyOf));
  const wanted = instances.filter(isUp);
  const following = followersOf(new Set(wanted.map(({ type }) => type)), view.types, true);
  const drawnIn = (how: "stop" | "restart"): PlannedInstance[] =>
    view.instances.filter(
      (other) =>
        following.get(other.type) === how &&
        !moved.has(keyOf(other)) &&
        !other.held &&
        // Nothing waits for who cannot be told anything: what is to be moved would stay away as long as that server.
        !isMissing(view, other.serverId) &&
        (how === "stop" ? isUp(other) : other.status === "RUNNING"),
    );
  const stops = layOut(drawnIn("stop"), view, { direction: "down", desired: "STOPPED" });
  const holds = isConfirmed
    ? []
    : layOut(wanted, view, { direction: "down", desired: "HELD", after: stops, waitsFor: allOf(stops) });
  const down = [...stops, ...holds];
  const here = wanted.map((one) => ({ ...one, serverId: to.id, server: to.name }));
  const ups = layOut(here, view, { direction: "up", desired: "RUNNING", after: down, waitsFor: allOf(down) });
  const after = [...down, ...ups];
  const restarts = layOut(drawnIn("restart"), view, {
    direction: "up",
    desired: "RESTARTED",
    isRolling: true,
    after,
    waitsFor: allOf(ups),
  });
  const [first] = instances;
  return {
    options: {
      from: first?.serverId ?? to.id,
      to: to.id,
      instances: instances.map(({ type, instance }) => [type, instance]),
    },
    steps: [...after, ...restarts],
  };
}

/** The rows of every move that goes on to its starts now. */
export async function relocations(
  gateway: Gateway,
  moves: readonly { readonly operation: OpenOperation; readonly wave: Pick<Wave, "ready"> }[],
): Promise<readonly Write[]> {
  const writes: Write[] = [];
  for (const { operation, wave } of moves) {
    const { move, steps } = operation;
    if (move === null || wave.ready.length === 0) continue;
    const ready = new Set(wave.ready);
    const begins = steps.some((step) => ready.has(step.seq) && step.desired === "RUNNING" && step.serverId === move.to);
    if (begins) writes.push(...(await moveRows(gateway, move)));
  }
  return writes;
}

/**
 * The rows at their new place, with what is on record for them. Those that went there before are left alone, and those whose
 * number is taken there now stay. Guarded: a row that changes meanwhile undoes the commit.
 */
export async function moveRows(gateway: Gateway, { from, to, instances }: MoveOptions): Promise<Write[]> {
  const [here, there, attributes] = await Promise.all([
    gateway.find("process_config", { where: { logical_machine_id: from } }),
    gateway.find("process_config", { where: { logical_machine_id: to } }),
    gateway.find("process_attributes", { where: { logical_machine_id: from } }),
  ]);
  const taken = new Set(there.map(rowKey));
  const listed = new Set(instances.map(([type, instance]) => `${type} ${instance}`));
  return here
    .filter((row) => listed.has(rowKey(row)) && !taken.has(rowKey(row)))
    .flatMap((row) => {
      const own = attributes.filter((attribute) => rowKey(attribute) === rowKey(row));
      return rowWrites(row, own, to);
    });
}

function rowWrites(row: Row<"process_config">, attributes: readonly Row<"process_attributes">[], to: number): Write[] {
  const { logical_process_name, logical_process_instance, enabled, last_known_status } = row;
  const one = { logical_process_name, logical_process_instance };
  const old = { logical_machine_id: row.logical_machine_id, ...one };
  const isDown = last_known_status === "STOPPED" || last_known_status === "SUSPENDED";
  const wanted = isDown ? {} : { last_known_status: "STARTING", held: true };
  return [
    remove("process_config", { ...old, enabled, last_known_status }, 1),
    insert("process_config", { ...row, logical_machine_id: to, incarnation: 0, ...wanted }),
    remove("process_attributes", old),
    // What is left there of an earlier instance is nobody's.
    remove("process_attributes", { logical_machine_id: to, ...one }),
    ...attributes.map((attribute) => insert("process_attributes", { ...attribute, logical_machine_id: to })),
    remove("running_processes", old),
    // Whoever depended on one that had died is seen to by this operation.
    update("process_event_log", { ...old, followed: false }, { followed: true }, "any"),
  ];
}

/** Null when somebody has changed them by hand. */
export function readMoveOptions(options: string): MoveOptions | null {
  try {
    return MoveOptions.parse(JSON.parse(options));
  } catch {
    return null;
  }
}

const keyOf = ({ serverId, type, instance }: Pick<PlannedInstance, "serverId" | "type" | "instance">): string =>
  `${serverId}/${type}/${instance}`;
const rowKey = (row: Pick<Row<"process_config">, "logical_process_name" | "logical_process_instance">): string =>
  `${row.logical_process_name} ${row.logical_process_instance}`;
