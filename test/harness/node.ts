/**
 * A real node of one server for a test: its home, its programs, its processes. Everything goes through the command line,
 * files and signals, as an operator would; whatever is left afterwards is killed and fails the test.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StatusReport, WorkItemReport } from "@castellan/protocol";
import {
  type CliResult,
  eventually,
  findProcesses,
  killAll,
  killTogether,
  runCli,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { z } from "zod";
import { type DatabaseServer, makeDatabase, type NodeDatabase } from "./database.ts";

export interface NodeOptions {
  /** The text of types.yaml; `{home}` in it is the node's. */
  readonly types: string;
  /** The text of castellan.yaml. */
  readonly config?: string;
  readonly fspart?: string;
  /** Where the home is made; default: a temporary directory. */
  readonly at?: string;
  /** More environment for every command, and so for the pair. */
  readonly env?: Readonly<Record<string, string>>;
  /** A PostgreSQL server of the test's own; default: the project's, or SQLite. */
  readonly postgres?: DatabaseServer;
}

export interface TestNode {
  readonly home: string;
  path(...parts: string[]): string;
  readonly database: NodeDatabase;
  /** Writes castellan.yaml: this text, and where the database is. */
  configure(text: string): void;
  cli(...args: string[]): Promise<CliResult>;
  /** The value that a command prints with `--json`, checked. Fails when the command does. */
  json<T>(schema: z.ZodType<T>, ...args: string[]): Promise<T>;
  status(): Promise<StatusReport>;
  items(...args: string[]): Promise<WorkItemReport[]>;
  /** Process id of a part by its record; null when there is none. */
  part(part: "worker" | "watcher"): number | null;
  /** Pids of the managed processes, by label (`WEB 1`). */
  pids(): Promise<Map<string, number>>;
  /** SIGKILL of worker and watcher at once. Nobody brings them back but `up`. */
  killPair(): void;
  up(): Promise<CliResult>;
  awaitRunning(withinMs?: number): Promise<StatusReport>;
  /** Ends everything and removes the home. Fails when a program of this home was left running by `castellan down`. */
  dispose(options?: { down?: boolean }): Promise<void>;
}

const PartFile = z.object({ pid: z.int() });

export async function makeNode(options: NodeOptions): Promise<TestNode> {
  const temp: TempHome | null = options.at === undefined ? await tempHome() : null;
  const root = temp?.dir ?? options.at ?? "";
  const home = join(root, "home");
  const example = join(root, "example");
  mkdirSync(example, { recursive: true });
  writeFileSync(join(example, "types.yaml"), options.types);
  writeFileSync(join(example, "fspart"), options.fspart ?? "# nothing is watched\n");
  const database = await makeDatabase(example, options.postgres);
  const settings = (text: string): string => `${text}${database.config}`;
  const given = settings(options.config ?? "");
  if (given !== "") writeFileSync(join(example, "castellan.yaml"), given);

  const cli = (...args: string[]): Promise<CliResult> =>
    runCli(args, { home, timeoutMs: 120_000, ...(options.env && { env: options.env }) });
  const json = async <T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> => {
    const result = await cli(...args, "--json");
    if (result.code !== 0) throw new Error(`castellan ${args.join(" ")} ended with ${result.code}: ${said(result)}`);
    return schema.parse(JSON.parse(result.stdout));
  };
  const status = () => json(StatusReport, "status");
  const node: TestNode = {
    home,
    path: (...parts) => join(home, ...parts),
    database,
    configure: (text) => writeFileSync(join(home, "castellan.yaml"), settings(text)),
    cli,
    json,
    status,
    items: (...args) => json(z.array(WorkItemReport), "workitem", "list", ...args),
    part(part) {
      try {
        return PartFile.parse(JSON.parse(readFileSync(join(home, "run", `${part}.json`), "utf8"))).pid;
      } catch {
        return null;
      }
    },
    async pids() {
      const { servers } = await status();
      return new Map(
        servers.flatMap(({ processes }) =>
          processes.flatMap(({ type, instance, pid }): [string, number][] =>
            pid === null ? [] : [[`${type} ${instance}`, pid]],
          ),
        ),
      );
    },
    killPair: () => killTogether([node.part("watcher") ?? 0, node.part("worker") ?? 0].filter((pid) => pid > 0)),
    up: () => cli("up", "--detach", "--example", example),
    awaitRunning: (withinMs = 120_000) =>
      eventually(
        async () => {
          const report = await status();
          const all = report.servers.flatMap(({ processes }) => processes);
          const isUp = !report.stale && report.servers.every(({ state }) => state === "up");
          if (isUp && report.state === "RUNNING" && all.every(({ status: now }) => now === "RUNNING")) return report;
          throw new Error(JSON.stringify(report));
        },
        { withinMs, everyMs: 200, describe: "the node is RUNNING" },
      ),
    async dispose({ down = true } = {}) {
      try {
        if (down && node.part("worker") !== null) {
          const result = await cli("down", "--timeout", "60");
          if (result.code !== 0) throw new Error(`castellan down ended with ${result.code}: ${said(result)}`);
          await eventually(() => findProcesses(home).length === 0, {
            withinMs: 90_000,
            describe: `nothing is left: ${JSON.stringify(findProcesses(home))}`,
          });
        }
      } finally {
        await killAll(home);
        await temp?.remove();
        await database.drop();
      }
    },
  };
  return node;
}

export const said = ({ stdout, stderr }: CliResult): string => `${stdout}\n${stderr}`;

/** Whether a process of this id lives (a zombie does not). */
export function lives(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
