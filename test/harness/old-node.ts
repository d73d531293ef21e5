/**
 * A node that the release before has made and runs, to be upgraded: `old` is that release's program, `now` is today's. With
 * `servers` each has a home of its own in one directory, with one bus and one schema, so that each can be its own host.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StatusReport } from "@castellan/protocol";
import {
  type CliResult,
  eventually,
  findProcesses,
  killAll,
  natsServer,
  runCli,
  startCli,
  tempHome,
} from "@castellan/testkit";
import { said } from "./node.ts";
import { builtRelease } from "./releases.ts";

export interface OldNodeOptions {
  readonly types: string;
  /** Each in a home of its own, with one bus for all. Absent: one server, with a bus of its own. */
  readonly servers?: readonly string[];
  /** Default: SQLite. */
  readonly database?: { readonly url: string; readonly password: string };
}

export interface OldNode {
  readonly dir: string;
  readonly busUrl: string | null;
  /** Of one of several servers. */
  home(server: string): string;
  old(...args: string[]): Promise<CliResult>;
  now(...args: string[]): Promise<CliResult>;
  /** Must end with 0. */
  must(...args: string[]): Promise<CliResult>;
  /** Today's, by another script: one that is broken. */
  by(program: string, ...args: string[]): Promise<CliResult>;
  /** Killed at one of its steps (`kill-at-step.mjs`). */
  killedAt(step: number, ...args: [command: string, ...rest: string[]]): Promise<CliResult>;
  /** Runs and is killed as soon as `isTime`. */
  killed(isTime: () => boolean, ...args: string[]): Promise<void>;
  status(): Promise<StatusReport>;
  /** Pids of what runs, by server and label. */
  pids(): Promise<Record<string, number | null>>;
  /** The release that each server's sentinel says; null: it does not say. */
  programs(): Promise<Record<string, string | null>>;
  awaitRunning(): Promise<StatusReport>;
  dispose(): Promise<void>;
}

const TIMEOUT_MS = 120_000;
const loader = new URL("./kill-at-step.mjs", import.meta.url).href;

export async function makeOldNode({ types, servers = [], database }: OldNodeOptions): Promise<OldNode> {
  const program = await builtRelease("0.1.0");
  const temp = await tempHome("castellan-upgrade-");
  const { dir } = temp;
  const bus = servers.length === 0 ? null : await natsServer({ jetstream: true });
  const passwordFile = join(dir, "db.password");
  if (database) writeFileSync(passwordFile, `${database.password}\n`, { mode: 0o600 });
  const shared = database ? { url: database.url, passwordFile } : { url: `sqlite:${join(dir, "node.db")}` };
  const place = (home: string, settings: object): void => {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "castellan.yaml"), JSON.stringify({ database: shared, ...settings }));
    writeFileSync(join(home, "fspart"), "# nothing is watched\n");
  };
  const [alone, ...others] = servers;
  const nats = bus === null ? {} : { nats: { url: bus.url } };
  // Where the node's commands are given: the directory of several, the home of the one, or a home that begins with an example.
  const home = alone === undefined ? join(dir, "home") : others.length === 0 ? join(dir, alone) : dir;
  const begun = alone === undefined ? join(dir, "example") : home;
  place(begun, { ...nats, ...(others.length > 0 && { servers }) });
  for (const name of servers) place(join(dir, name), { ...nats, server: name });
  writeFileSync(join(begun, "types.yaml"), types);

  const old = (...args: string[]) => runCli(args, { home, program, timeoutMs: TIMEOUT_MS });
  const now = (...args: string[]) => runCli(args, { home, timeoutMs: TIMEOUT_MS });
  const must = async (...args: string[]): Promise<CliResult> => ended(await now(...args), args);
  const status = async () => StatusReport.parse(JSON.parse((await must("status", "--json")).stdout));
  const node: OldNode = {
    dir: home,
    busUrl: bus?.url ?? null,
    home: (server) => join(dir, server),
    old,
    now,
    must,
    by: (script, ...args) => runCli(args, { home, program: script, timeoutMs: TIMEOUT_MS }),
    killedAt: (step, ...args) =>
      runCli(args, {
        home,
        timeoutMs: TIMEOUT_MS,
        env: { NODE_OPTIONS: `--import=${loader}?${encodeURIComponent(`${args[0]} ${step}`)}` },
      }),
    async killed(isTime, ...args) {
      const running = startCli(args, { home });
      try {
        await eventually(isTime, { withinMs: 60_000, everyMs: 2, describe: `the moment to kill ${args.join(" ")}` });
      } finally {
        running.signal("SIGKILL");
        await running.ended;
      }
    },
    status,
    pids: async () => labelsOf(JSON.parse((await oldOrNow(old, now)).stdout)),
    async programs() {
      const report = await status();
      return Object.fromEntries(report.servers.map(({ name, sentinel }) => [name, sentinel?.program ?? null]));
    },
    awaitRunning: () =>
      eventually(
        async () => {
          const report = await status();
          const all = report.servers.flatMap(({ processes }) => processes);
          const isUp = report.servers.every(({ state }) => state === "up") && !report.stale;
          if (isUp && report.state === "RUNNING" && all.every((one) => one.status === "RUNNING")) return report;
          throw new Error(JSON.stringify(report));
        },
        { withinMs: 120_000, everyMs: 250, describe: "everything runs" },
      ),
    async dispose() {
      try {
        if (findProcesses(home).length > 0) await must("down", "--timeout", "60");
      } finally {
        await killAll(dir);
        await bus?.stop();
        await temp.remove();
      }
    },
  };
  try {
    ended(await old("up", "--detach", ...(alone === undefined ? ["--example", begun] : [])), ["up", "of 0.1.0"]);
    return node;
  } catch (thrown) {
    await killAll(dir);
    await bus?.stop();
    await temp.remove();
    throw thrown;
  }
}

function ended(result: CliResult, args: readonly string[]): CliResult {
  if (result.code === 0) return result;
  throw new Error(`castellan ${args.join(" ")} ended with ${result.code}: ${said(result)}`);
}

/** Whichever of the two understands the schema as it is. */
async function oldOrNow(...programs: ((...args: string[]) => Promise<CliResult>)[]): Promise<CliResult> {
  for (const program of programs) {
    const result = await program("status", "--json");
    if (result.code === 0) return result;
  }
  throw new Error("neither release can say how the node is");
}

interface ToldProcess {
  readonly type: string;
  readonly instance: number;
  readonly pid: number | null;
}

function labelsOf(report: {
  readonly servers: readonly { readonly name: string; readonly processes: readonly ToldProcess[] }[];
}): Record<string, number | null> {
  return Object.fromEntries(
    report.servers.flatMap(({ name, processes }) =>
      processes.map(({ type, instance, pid }) => [`${name} ${type} ${instance}`, pid] as const),
    ),
  );
}
