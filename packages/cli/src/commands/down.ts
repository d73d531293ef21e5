/**
 * `castellan down`: stops all processes in order, then the sentinels, then waits until those of this home are gone. In the
 * home of one server of several that run it takes down that server alone, and the node goes on.
 */
import { type AdminContext, announceGoingDown, announceStaying, remoteActors } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { endEmbeddedNats, homePaths, PAIR_GONE_WITHIN_MS, pairState } from "@castellan/daemon";
import { CastellanError, ensureError, sleep } from "@castellan/kernel";
import { type OperationReport, Sentinel } from "@castellan/protocol";
import { bringUpSentinels } from "../bring-up.ts";
import { EXIT } from "../exit-code.ts";
import { type Candidate, candidates } from "../heir.ts";
import { readSettings, serverHomes } from "../home.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { runPatiently } from "../run-patiently.ts";
import { masterOf, shutDownServer } from "../shut-down-server.ts";

const STOP_ASK_MS = 10_000;
const SEEN_WITHIN_MS = 30_000;
const LOOK_MS = 50;
const RUNNING_LOOK_MS = 250;

export const run: Run = async (invocation) => {
  const ctx = await invocation.openAdmin();
  return await takeDown(invocation, ctx, serverHomes(await readSettings(invocation.home, invocation.io.hostName)));
};

/** Nothing runs on the server, and nobody is to run it. */
export async function hasEndedInOrder(ctx: AdminContext, server: string): Promise<boolean> {
  const { state, servers } = await status(ctx);
  if (state === "STOPPED") return true;
  const here = servers.find(({ name }) => name === server);
  if (here?.processes.some(({ status: now }) => now !== "STOPPED" && now !== "SUSPENDED")) return false;
  const [row] = await ctx.gateway.find("sentinel", { where: { logical_machine_id: here?.id ?? 0 } });
  return (row?.ended_at ?? null) !== null;
}

const livesIn = (home: string): boolean => {
  const { worker, watcher } = pairState(homePaths(home));
  return worker !== null || watcher !== null;
};

async function areDown(ctx: AdminContext, homes: readonly string[], names: readonly string[]): Promise<boolean> {
  return !homes.some(livesIn) && (await allOf(names, (name) => hasEndedInOrder(ctx, name)));
}

export async function takeDown(invocation: Invocation, ctx: AdminContext, homes: readonly string[]): Promise<number> {
  const { code, message, report } = await stopServers(invocation, ctx, homes);
  if (code === EXIT.done) finish(invocation, message);
  else if (invocation.json) printJson(invocation, report);
  else invocation.io.err(`castellan: ${message}\n`);
  return code;
}

export interface StopServersOptions {
  /** The NATS server of the only home goes on: others still need it. */
  readonly keepsBus?: boolean;
}

interface Ended {
  readonly code: number;
  readonly message: string;
  /** What did not stop. */
  readonly report?: OperationReport;
}

/**
 * Answers how it ended, and how to say so. Processes may have outlived their sentinel: then it is brought back, for only it
 * knows how to stop them.
 */
export async function stopServers(
  invocation: Invocation,
  ctx: AdminContext,
  homes: readonly string[],
  { keepsBus = false }: StopServersOptions = {},
): Promise<Ended> {
  const { io } = invocation;
  const names = await Promise.all(homes.map(async (home) => (await readSettings(home, io.hostName)).server));
  const endsAll = async (): Promise<Ended> => {
    const buses = keepsBus ? "" : await endBuses(ctx, homes);
    return { code: EXIT.done, message: `the node is down already${buses}` };
  };
  // Homes first: of a sentinel that ends between the two looks the schema says that it has ended in order.
  const living = homes.filter(livesIn);
  const isOver = await allOf(names, (name) => hasEndedInOrder(ctx, name));
  if (living.length === 0 && isOver) return await endsAll();
  if (living.length < homes.length && !isOver) {
    if (!invocation.json) io.out("a sentinel is gone: bringing it back to stop what it kept\n");
    await bringUpSentinels(io, homes);
    await untilSeen(ctx, names);
  }
  const parting = partingOf(names, await candidates(ctx));
  for (const name of parting) await announceGoingDown(ctx, name);
  const ending = parting.length > 1 ? endOneByOne : endServers;
  const toEnd = { homes, names, alone: parting[0], keepsBus };
  const ended = await ending(invocation, ctx, toEnd).catch(ensureError);
  if (!(ended instanceof Error) && ended.code === EXIT.done) return ended;
  const settled = await settle(ctx, homes, names, parting).catch(ensureError); // what went wrong first is what is told
  if (settled === "over") return await endsAll();
  if (ended instanceof Error) throw ended;
  return ended;
}

/**
 * Which of these go while the node goes on, each handing over what others need; none: the node goes as a whole. A member that is
 * not up is no reason to take several down one by one. Pure.
 */
export function partingOf(names: readonly string[], members: readonly Candidate[]): readonly string[] {
  const others = members.filter(({ name }) => !names.includes(name));
  return others.some((one) => names.length === 1 || isUp(one)) ? names : [];
}

const isUp = ({ state, hasEnded }: Candidate): boolean => !hasEnded && (state === "up" || state === "suspect");

/** Of what could not be done: somebody else who takes them down may have been sooner; else the word that they go is taken back. */
async function settle(
  ctx: AdminContext,
  homes: readonly string[],
  names: readonly string[],
  parting: readonly string[],
): Promise<"over" | "stays"> {
  if (await areDown(ctx, homes, names)) return "over";
  for (const name of parting) await announceStaying(ctx, name);
  return "stays";
}

interface ToEnd {
  readonly homes: readonly string[];
  readonly names: readonly string[];
  readonly alone: string | undefined;
  readonly keepsBus: boolean;
}

/** Each hands over to others; the master last, so that it does so once. */
async function endOneByOne(invocation: Invocation, ctx: AdminContext, toEnd: ToEnd): Promise<Ended> {
  const { homes, names, keepsBus } = toEnd;
  const master = await masterOf(ctx);
  const messages: string[] = [];
  for (const name of names.toSorted((a, b) => Number(a === master) - Number(b === master))) {
    const home = homes[names.indexOf(name)];
    if (home === undefined) continue;
    const ended = await endServers(invocation, ctx, { homes: [home], names: [name], alone: name, keepsBus });
    if (ended.code !== EXIT.done) return ended;
    messages.push(ended.message);
  }
  return { code: EXIT.done, message: messages.join("\n") };
}

async function endServers(
  invocation: Invocation,
  ctx: AdminContext,
  { homes, names, alone, keepsBus }: ToEnd,
): Promise<Ended> {
  // Whoever else takes them down has done so: nobody will answer, nor carry out what has been asked for.
  const isVain = (): Promise<boolean> => areDown(ctx, homes, names);
  const report =
    alone === undefined
      ? await runPatiently(invocation, ctx, "shutdown", {}, { isVain })
      : await shutDownServer(invocation, ctx, alone, isVain);
  if (report.state !== "done") {
    return { code: EXIT.refused, message: "not everything stopped: the sentinel goes on looking after it", report };
  }
  const last = await masterOf(ctx);
  // Another one that goes may have made it master after all had stopped here.
  const handOverAgain = async (): Promise<void> => {
    if (alone !== undefined && (await masterOf(ctx)) === alone) await shutDownServer(invocation, ctx, alone, isVain);
  };
  const end = async (name: string): Promise<void> => {
    const deadline = ctx.clock.bootMs() + Math.max(PAIR_GONE_WITHIN_MS, invocation.timeoutMs ?? 0);
    // Several of one bus: the last words of the last one need it whole.
    await stopSentinel(ctx, name, keepsBus || homes.length > 1, deadline, handOverAgain);
    const home = homes[names.indexOf(name)];
    if (home !== undefined) await untilGone(ctx, home, deadline);
  };
  await Promise.all(names.filter((name) => name !== last).map(end));
  if (last !== null && names.includes(last)) await end(last);
  if (!keepsBus) await endBuses(ctx, homes);
  const others = (await candidates(ctx)).filter(({ name }) => !names.includes(name));
  const up = others.filter(isUp).map(({ name }) => name);
  const goesOn = up.length === 0 ? "no server of the node is up" : `the node goes on on ${up.join(", ")}`;
  return { code: EXIT.done, message: alone === undefined ? "the node is down" : `${alone} is down; ${goesOn}` };
}

/** The master stops nothing on a server that it has not seen yet. One that it does not see in time the report tells of. */
async function untilSeen(ctx: AdminContext, names: readonly string[]): Promise<void> {
  const deadline = ctx.clock.bootMs() + SEEN_WITHIN_MS;
  while (ctx.clock.bootMs() < deadline) {
    const { servers } = await status(ctx);
    if (names.every((name) => servers.some((server) => server.name === name && server.state === "up"))) return;
    await sleep(ctx.clock, RUNNING_LOOK_MS);
  }
}

async function allOf<T>(values: readonly T[], is: (value: T) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(values.map(is))).every(Boolean);
}

/** Where processes run (again) its sentinel stays: one that is no longer defined may still be ending. */
async function stopSentinel(
  ctx: AdminContext,
  host: string,
  keepsBus: boolean,
  deadline: number,
  handOverAgain: () => Promise<void>,
): Promise<void> {
  const sentinel = remoteActors(ctx).remote(Sentinel, { host });
  for (;;) {
    try {
      await sentinel.ask({ type: "Stop", by: ctx.user, keepsBus }, { timeoutMs: STOP_ASK_MS });
      return;
    } catch (thrown) {
      const code = thrown instanceof CastellanError ? thrown.code : "";
      if (code === "NOT_REACHABLE" || code === "ASK_TIMEOUT" || code === "TIMED_OUT") return; // ending already
      if (code !== "PROCESSES_RUNNING" || ctx.clock.bootMs() > deadline) throw thrown;
      await handOverAgain();
      await sleep(ctx.clock, RUNNING_LOOK_MS);
    }
  }
}

async function untilGone(ctx: AdminContext, home: string, deadline: number): Promise<void> {
  while (livesIn(home)) {
    if (ctx.clock.bootMs() > deadline) {
      throw new CastellanError("TIMED_OUT", "the processes are stopped, but the sentinel has not ended yet", {
        details: { ...pairState(homePaths(home)) },
      });
    }
    await sleep(ctx.clock, LOOK_MS);
  }
}

/** What is left of them where a sentinel is no more. Answers how to say so. */
async function endBuses(ctx: AdminContext, homes: readonly string[]): Promise<string> {
  const ended = await Promise.all(homes.map((home) => endEmbeddedNats(homePaths(home), ctx.clock)));
  return ended.includes(true) ? "; only its nats-server ran, and has been ended" : "";
}

function finish(invocation: Invocation, message: string): void {
  if (invocation.json) printJson(invocation, { down: true, message });
  else invocation.io.out(`${message}\n`);
}
