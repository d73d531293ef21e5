/**
 * Three servers as three hosts would have them: each its own home, and its own installation of the program that it was started
 * from. One schema, one bus.
 */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PROGRAM_VERSION } from "@castellan/kernel";
import { StatusReport } from "@castellan/protocol";
import { type CliResult, eventually, killAll, natsServer, runCli, tempHome } from "@castellan/testkit";
import { said } from "./node.ts";
import { installAs } from "./releases.ts";

const HOSTS = ["hades", "zeus", "hera"] as const;
type Host = (typeof HOSTS)[number];

export interface ThreeHosts {
  /** The program that is installed on a host. */
  on(host: Host, ...args: string[]): Promise<CliResult>;
  /** Must end with 0. */
  must(host: Host, ...args: string[]): Promise<CliResult>;
  /** Replaces what is installed there; what runs is not touched. */
  install(release: string, ...hosts: readonly Host[]): Promise<void>;
  /** What is installed there cannot run as a worker any more, and says so. */
  spoil(host: Host, complaint: string): void;
  status(): Promise<StatusReport>;
  awaitRunning(): Promise<StatusReport>;
  dispose(): Promise<void>;
}

const TIMEOUT_MS = 240_000;

/** The first is master. */
export async function makeThreeHosts(types: string): Promise<ThreeHosts> {
  const temp = await tempHome("castellan-hosts-");
  const { dir } = temp;
  const bus = await natsServer({ jetstream: true });
  const home = (host: Host): string => join(dir, host);
  const installation = (host: Host): string => join(dir, "installed", host);
  const programOf = (host: Host): string => join(installation(host), "packages/cli/bin/castellan.mjs");
  const on = (host: Host, ...args: string[]) =>
    runCli(args, { home: home(host), program: programOf(host), timeoutMs: TIMEOUT_MS });
  const must = async (host: Host, ...args: string[]): Promise<CliResult> => {
    const result = await on(host, ...args);
    if (result.code === 0) return result;
    throw new Error(`castellan ${args.join(" ")} on ${host} ended with ${result.code}: ${said(result)}`);
  };
  const hosts: ThreeHosts = {
    on,
    must,
    async install(release, ...chosen) {
      const made = join(dir, "releases", release);
      if (!existsSync(made)) await installAs(release, made);
      for (const host of chosen) {
        rmSync(installation(host), { recursive: true, force: true });
        cpSync(made, installation(host), { recursive: true, verbatimSymlinks: true });
      }
    },
    spoil(host, complaint) {
      const program = programOf(host);
      const trap = `if (process.argv[2] === "worker") { console.error(${JSON.stringify(complaint)}); process.exit(1); }`;
      renameSync(program, join(dirname(program), "whole.mjs"));
      writeFileSync(program, `${trap}\nawait import("./whole.mjs");\n`);
    },
    status: async () => StatusReport.parse(JSON.parse((await must("hades", "status", "--json")).stdout)),
    awaitRunning: () =>
      eventually(
        async () => {
          const report = await hosts.status();
          const all = report.servers.flatMap(({ processes }) => processes);
          const isUp = report.servers.every(({ state }) => state === "up") && !report.stale;
          if (isUp && report.state === "RUNNING" && all.every(({ status }) => status === "RUNNING")) return report;
          throw new Error(JSON.stringify(report));
        },
        { withinMs: 120_000, everyMs: 250, describe: "everything runs" },
      ),
    async dispose() {
      await killAll(dir);
      await bus.stop();
      await temp.remove();
    },
  };
  try {
    await hosts.install(PROGRAM_VERSION, ...HOSTS);
    for (const host of HOSTS) {
      mkdirSync(home(host), { recursive: true });
      const settings = { server: host, database: { url: `sqlite:${join(dir, "node.db")}` }, nats: { url: bus.url } };
      writeFileSync(join(home(host), "castellan.yaml"), JSON.stringify(settings));
      writeFileSync(join(home(host), "fspart"), "# nothing is watched\n");
      if (host !== "hades") await must("hades", "server", "add", host);
      await must(host, "up", "--detach", "--bare");
    }
    const file = join(dir, "types.yaml");
    writeFileSync(file, types);
    await must("hades", "apply", file);
    await must("hades", "start");
    await hosts.awaitRunning();
    return hosts;
  } catch (thrown) {
    await hosts.dispose();
    throw thrown;
  }
}

/** Process ids of what runs, by server and label. */
export const pidsOf = ({ servers }: StatusReport): Record<string, number | null> =>
  Object.fromEntries(
    servers.flatMap(({ name, processes }) =>
      processes.map(({ type, instance, pid }) => [`${name} ${type} ${instance}`, pid] as const),
    ),
  );

export const programsOf = ({ servers }: StatusReport): Record<string, string | null> =>
  Object.fromEntries(servers.map(({ name, sentinel }) => [name, sentinel?.program ?? null]));
