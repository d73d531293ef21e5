/**
 * The worker's hand on the guard of its server (`script.ts`): starts it, tells it the end, has it start what is granted.
 *
 * Y1 A guard outlives the worker that started it, and the next worker goes on with it.
 * Y2 Nothing is given to a guard before it has said that it is there, and it has said so after it was told the end.
 * Y3 What a worker ordered and has not got is not started for the next one, and no answer is taken for another's.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, ensureError, type Logger, sleep, systemCode } from "@castellan/kernel";
import type { GuardPort } from "@castellan/sentinel";
import type { ProcessIdentity, ProcReader } from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";
import { dueOf, howItEnded, isWithdrawn, leftBehind, readOrNull } from "./guard-files.ts";
import { findGuardTools, launchRequest } from "./launch-request.ts";
import { GUARD_SCRIPT } from "./script.ts";

export interface GuardDeps {
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly proc: ProcReader;
  readonly log: Logger;
  readonly environment: NodeJS.ProcessEnv;
}

/** A guard that has not said that it is there by then is started again, milliseconds. */
const UP_MS = 5000;
const LAUNCH_MS = 5000;
const EXIT_MS = 1000;
const LOOK_MS = 5;
const WAKE_EVERY_MS = 50;
/** Nothing may run. */
const NEVER = "0 0 0 -\n";

export function createGuard({ paths, clock, proc, log, environment }: GuardDeps): GuardPort {
  const directory = join(paths.run, "guard");
  const at = (name: string): string => join(directory, name);
  const path = environment["PATH"] ?? "/usr/bin:/bin";
  let startedMs = Number.NEGATIVE_INFINITY;
  let own: ChildProcess | null = null;
  let launches = 0;
  let types = "";
  let due = readOrNull(at("due")) ?? "";
  if (!due.endsWith(` ${proc.bootId}\n`)) due = NEVER;
  let hasComplained = false;
  let isDeaf = false;
  let hasEnded = false;
  // An earlier worker that was killed has left what nobody waits for: numbers of its own keep the answers apart.
  const worker = Math.floor(clock.bootMs());
  for (const name of leftBehind(directory)) isWithdrawn(at(name));

  const put = (name: string, text: string): void => {
    writeFileSync(at(`.${name}`), text, { mode: 0o600 });
    renameSync(at(`.${name}`), at(name));
  };
  const living = (): ProcessIdentity | null => {
    const [pid = "", startTime = "", bootId = ""] = (readOrNull(at("up")) ?? "").trim().split(" ");
    const identity = { pid: Number(pid), startTime: Number(startTime), bootId, launchId: "" };
    return identity.pid > 0 && proc.isAlive(identity) ? identity : null;
  };
  const wake = (guard: ProcessIdentity): void => {
    if (proc.isAlive(guard)) send(guard.pid, "SIGUSR1");
  };
  /** It leads its session, so it dies with the guard, and the guard lives; true also when it has ended already. */
  const isTied = async (started: ProcessIdentity, guard: ProcessIdentity): Promise<boolean> => {
    const deadline = clock.bootMs() + LAUNCH_MS;
    for (let stat = proc.stat(started.pid); stat?.startTime === started.startTime; stat = proc.stat(started.pid)) {
      if (stat.session === started.pid || clock.bootMs() >= deadline) break;
      await sleep(clock, 1);
    }
    return proc.isAlive(guard);
  };

  const start = (): void => {
    startedMs = clock.bootMs();
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) if (name !== "due") rmSync(at(name), { recursive: true, force: true });
    put("guard", GUARD_SCRIPT);
    put("types", types);
    put("due", due);
    const out = openSync(join(paths.logs, "castellan-guard.out"), "a");
    try {
      const child = spawn("/bin/sh", ["guard", "--home", paths.home], {
        argv0: "castellan",
        cwd: directory,
        detached: true,
        stdio: ["ignore", out, out],
        env: { PATH: path, CASTELLAN_BOOT: proc.bootId },
      });
      child.on("error", (error) => log.error("the guard cannot be started", { error: error.message }));
      child.once("exit", (code, signal) => {
        if (!hasEnded) log.error("the guard has ended: a new one is started", { code, signal });
      });
      child.unref();
      own = child;
      log.info("the guard was started", { pid: child.pid ?? null });
    } finally {
      closeSync(out);
    }
  };

  const answerTo = async (id: string, guard: ProcessIdentity): Promise<string | null> => {
    const deadline = clock.bootMs() + LAUNCH_MS;
    let wokenMs = Number.NEGATIVE_INFINITY;
    while (clock.bootMs() < deadline && proc.isAlive(guard)) {
      if (clock.bootMs() - wokenMs >= WAKE_EVERY_MS) {
        wake(guard);
        wokenMs = clock.bootMs();
      }
      const answer = readOrNull(at(`launched-${id}`));
      if (answer?.endsWith("\n") === true) {
        rmSync(at(`launched-${id}`), { force: true });
        return answer.trim();
      }
      await sleep(clock, LOOK_MS);
    }
    return null;
  };

  return {
    keep(names) {
      const wanted = names.map((name) => `CASTELLAN_TYPE=${name}\n`).join("");
      const guard = living();
      if (guard === null) types = wanted;
      else if (wanted !== types) {
        put("types", wanted);
        types = wanted;
      }
      if (guard !== null || hasEnded || clock.bootMs() - startedMs < UP_MS) return;
      const tools = findGuardTools(path);
      if ("missing" in tools) {
        if (!hasComplained) log.error("nothing that needs a grant can run here: install the programs", { ...tools });
        hasComplained = true;
        return;
      }
      try {
        start();
      } catch (thrown) {
        log.error("the guard cannot be started; trying again", { error: ensureError(thrown).message });
      }
    },
    isUp: () => living() !== null,
    endAt({ endMs, killMs, generation }) {
      const hundredths = Number.isFinite(killMs)
        ? String(Math.max(0, Math.floor(killMs / 10)))
        : killMs > 0
          ? "none"
          : "0";
      const told = `${hundredths} ${generation} ${Number.isFinite(endMs) ? Math.floor(endMs) : hundredths} ${proc.bootId}\n`;
      if (told === due) return;
      const guard = living();
      const isEarlier = dueOf(told) < dueOf(due);
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        put("due", told);
      } catch (thrown) {
        // A full disk: who does not hear of a later end kills too early, who does not hear of an earlier one too late.
        if (isEarlier) throw thrown;
        if (!isDeaf) log.error("the guard cannot be told of a later end", { error: ensureError(thrown).message });
        isDeaf = true;
        return;
      }
      isDeaf = false;
      due = told;
      // A later end is read in time by itself.
      if (guard !== null && isEarlier) wake(guard);
    },
    remembered() {
      const [, generation = "", endMs = "", bootId = ""] = due.trim().split(" ");
      if (bootId !== proc.bootId || Number(generation) <= 0) return null;
      const remembered = endMs === "none" ? Number.POSITIVE_INFINITY : Number(endMs);
      return Number.isNaN(remembered) || remembered <= 0 ? null : { generation: Number(generation), endMs: remembered };
    },
    hasSwept() {
      return living() !== null && readOrNull(at("swept")) === due;
    },
    async launch(launch) {
      const tools = findGuardTools(path);
      if ("missing" in tools) throw new Error(`there is no ${tools.missing} here, which its guard needs`);
      const guard = living();
      if (guard === null || hasEnded) throw new Error("the guard of this server has just ended");
      launches += 1;
      const id = `${worker}-${launches}`;
      put(`launch-${id}`, launchRequest(launch, tools));
      const answer = await answerTo(id, guard);
      if (answer === "late") throw new Error("the grant of this server has ended");
      if (answer === null && isWithdrawn(at(`launch-${id}`)))
        throw new Error("the guard of this server does not answer");
      const [pid = "", startTime = ""] = (answer ?? "").split(" ");
      const identity = {
        pid: Number(pid),
        startTime: Number(startTime),
        bootId: proc.bootId,
        launchId: launch.launchId,
      };
      if (identity.pid > 0 && (await isTied(identity, guard))) return identity;
      for (const { pid: left } of proc.findLaunched(launch.launchId)) send(left, "SIGKILL");
      throw new Error("the guard of this server has ended while it started it");
    },
    async howEnded({ pid, startTime }) {
      const file = at(`exit-${pid}-${startTime}`);
      const deadline = clock.bootMs() + EXIT_MS;
      for (;;) {
        const code = readOrNull(file);
        if (code?.endsWith("\n") === true) {
          rmSync(file, { force: true });
          return howItEnded(Number(code));
        }
        const guard = living();
        if (guard === null && readOrNull(at("up")) === null) throw new Error("it was started without a guard");
        if (guard === null) return "killed, as the guard of this server has ended";
        if (clock.bootMs() >= deadline) return "exit code unknown";
        wake(guard);
        await sleep(clock, WAKE_EVERY_MS);
      }
    },
    end() {
      hasEnded = true;
      // One that was just started has not said that it is there. Each leads a group, in which is also what it sleeps by.
      const begun = own?.exitCode === null && own.signalCode === null ? own.pid : undefined;
      for (const pid of new Set([living()?.pid, begun])) if (pid !== undefined) send(-pid, "SIGKILL");
    },
  };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    if (systemCode(thrown) !== "ESRCH") throw thrown;
  }
}
