/**
 * Moves a node's schema to another database: closes the old one, copies, compares, leaves the old one for good, opens the new
 * one, tells the homes. Interrupted at whatever point it is found again by `decideMove`; until the old one has been left, nothing has
 * happened that `cancelMove` cannot undo.
 */
import { CastellanError } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";
import {
  fillSchema,
  firstInUse,
  type Mark,
  readMark,
  readPages,
  requireUnchanged,
  type Sums,
  setMark,
  takeMarkAway,
} from "@castellan/store/copy";
import { auditRow } from "../audit.ts";
import type { CopyDeps } from "./copy-deps.ts";
import { fenceAll, raiseIncarnations } from "./fence-all.ts";
import { knownSentinels, refuseFreshSentinels } from "./living-sentinels.ts";
import { decideMove } from "./move-decision.ts";

export interface MovedPlace {
  /** As castellan.yaml has it. */
  readonly url: string;
  /** Opened although the schema does not count. */
  readonly gateway: Gateway;
}

export interface MoveDeps extends CopyDeps {
  readonly from: MovedPlace;
  readonly to: MovedPlace;
  /** The sentinels of the homes that this program looks after. */
  readonly own: {
    readonly servers: readonly string[];
    /** Ends those that live; processes run on. */
    readonly end: () => Promise<void>;
  };
  /** Values that cannot be what they are, as they were met in the old schema. */
  readonly broken: () => readonly string[];
}

export interface SchemaMoved {
  readonly from: string;
  readonly to: string;
  /** Rows copied by this call, 0: it had been done before. */
  readonly rows: number;
  readonly tables: number;
}

/** Throws what `decideMove` throws; SENTINELS_RUN, BROKEN_ROWS, COPY_DIFFERS. */
export async function moveSchema(deps: MoveDeps): Promise<SchemaMoved> {
  const { from, to } = deps;
  const mark = await readMark(from.gateway);
  const target = { url: to.url, mark: await readMark(to.gateway), inUse: await firstInUse(to.gateway) };
  const step = decideMove({ from: { url: from.url, mark }, to: target });
  const sums = step === "copy" ? await copy(deps, mark, target.mark) : null;
  if (step !== "settle") await open(deps);
  const rows = [...(sums?.values() ?? [])].reduce((sum, { rows }) => sum + rows, 0);
  return { from: from.url, to: to.url, rows, tables: sums?.size ?? 0 };
}

/** Undoes a move that has not left the old schema yet. Answers whether there was one. Throws SCHEMA_MOVED when it has. */
export async function cancelMove({ url, gateway }: MovedPlace, { clock, newId, who }: CopyDeps): Promise<boolean> {
  const mark = await readMark(gateway);
  if (mark === null) return false;
  if (mark.state === "left") {
    throw new CastellanError(
      "SCHEMA_MOVED",
      `${url} has been left for ${mark.other}, which holds it whole: castellan schema move ${mark.other} goes on there`,
    );
  }
  if (mark.state !== "leaving") {
    throw new CastellanError("SCHEMA_MOVED", `${url} is no schema on its way: it is ${mark.state} ${mark.other}`);
  }
  const audit = auditRow({ ...who, clock, newId }, "schema.stay", { url, other: mark.other });
  await gateway.commit([takeMarkAway(mark), audit]);
  return true;
}

async function copy(deps: MoveDeps, before: Mark | null, targetBefore: Mark | null): Promise<Sums> {
  const { from, to, own, clock, newId } = deps;
  refuseFreshSentinels(await knownSentinels(from.gateway, clock.now()), own.servers, "the schema is not moved");
  await own.end();
  const moveId = newId();
  const leaving: Mark = { moveId, state: "leaving", other: to.url, changedAt: clock.now() };
  const { writes } = await fenceAll(from.gateway);
  await from.gateway.commit([setMark(before, leaving), ...writes, raiseIncarnations(1)]);
  try {
    await own.end(); // whoever was brought up between the two is refused from now on
    const filling: Mark = { moveId, state: "filling", other: from.url, changedAt: clock.now() };
    await to.gateway.commit([setMark(targetBefore, filling)]);
    const pages = readPages(from.gateway);
    const { onProgress } = deps;
    const sums = await fillSchema({ target: to.gateway, mark: filling, pages, ...(onProgress && { onProgress }) });
    await requireUnchanged(from.gateway, sums);
    refuseBroken(deps.broken());
    await from.gateway.commit([setMark(leaving, { ...leaving, state: "left", changedAt: clock.now() })]);
    return sums;
  } catch (thrown) {
    await giveBack(from.gateway, leaving);
    throw thrown;
  }
}

/** The old schema counts again, unless another attempt has taken it over, or it has been left after all. */
async function giveBack(gateway: Gateway, leaving: Mark): Promise<void> {
  // What went wrong first is told. Where this fails too, the schema says of itself that it is leaving, and what to do.
  await gateway.commit([takeMarkAway(leaving)]).catch(() => undefined);
}

/** The copy is whole, and nobody works with the old one any more. */
async function open({ to, from, clock, newId, who }: MoveDeps): Promise<void> {
  const filling = await readMark(to.gateway);
  if (filling === null) return;
  const audit = auditRow({ ...who, clock, newId }, "schema.move", { from: from.url, to: to.url });
  await to.gateway.commit([takeMarkAway(filling), audit]);
}

function refuseBroken(broken: readonly string[]): void {
  if (broken.length === 0) return;
  throw new CastellanError(
    "BROKEN_ROWS",
    `the schema holds ${broken.length} values that cannot be what they are; mend them first:\n${broken.slice(0, 20).join("\n")}`,
    { details: { broken: broken.slice(0, 100) } },
  );
}
