/**
 * Whose home this is. Programs and files of a home belong to one user: whoever else brought something up in it, root too, would run
 * its processes as himself and leave files that the owner cannot write. Such a call is refused before it changes anything.
 */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { homePaths, pairState } from "@castellan/daemon/pair";
import { CastellanError } from "@castellan/kernel";
import { shellWord } from "./format/shell-word.ts";
import { readSettings, serverHomes } from "./home.ts";
import type { Invocation, Run } from "./invocation.ts";

export interface Keeper {
  readonly home: string;
  /** Whom the sentinel runs as that lives there; else to whom its `run/` belongs; null: no sentinel has run there. */
  readonly uid: number | null;
}

/** The first home that another user keeps; null: none. A home in which nothing has run yet becomes his who begins. Pure. */
export function strangeHome(caller: number, keepers: readonly Keeper[]): (Keeper & { readonly uid: number }) | null {
  for (const { home, uid } of keepers) if (uid !== null && uid !== caller) return { home, uid };
  return null;
}

/** Pure. `typed`: the command as it can be typed again. */
export function notOwner(home: string, owner: string, caller: string, typed: string): CastellanError {
  return new CastellanError(
    "NOT_OWNER",
    [
      `${home} belongs to ${owner}, and this is ${caller}: nothing was changed, for its programs would run as ${caller}`,
      `sudo -u ${shellWord(owner)} ${typed}`,
    ].join("\n"),
    { details: { home, owner, user: caller } },
  );
}

/** The command, for those who keep its home. Else it throws NOT_OWNER (5). */
export function ofOwner<Args extends readonly unknown[]>(run: Run<Args>): Run<Args> {
  return async (invocation, ...args) => {
    await requireOwner(invocation);
    return await run(invocation, ...args);
  };
}

export async function requireOwner({ io, home, command }: Pick<Invocation, "io" | "home" | "command">): Promise<void> {
  const caller = process.getuid?.();
  if (caller === undefined) return;
  const strange = strangeHome(caller, (await homesIn(home, io.hostName)).map(keeperOf));
  if (strange === null) return;
  const typed = `${command} --home ${shellWord(home)}`;
  throw notOwner(strange.home, nameOf(strange.uid), nameOf(caller), typed);
}

/** With settings that cannot be read the home itself is looked at: what is wrong with them is another's to say. */
async function homesIn(home: string, hostName: string): Promise<readonly string[]> {
  try {
    return serverHomes(await readSettings(home, hostName));
  } catch {
    return [home];
  }
}

function keeperOf(home: string): Keeper {
  const paths = homePaths(home);
  const { worker, watcher } = pairState(paths);
  const pid = watcher ?? worker;
  return { home, uid: (pid === null ? null : uidOf(`/proc/${pid}`)) ?? uidOf(paths.run) };
}

/** Null: it is not there, or hidden from this user; then the system refuses in its own words. */
function uidOf(path: string): number | null {
  try {
    return statSync(path).uid;
  } catch {
    return null;
  }
}

const NAME_WITHIN_MS = 5000;

/** `#1000` for one without a name, as `sudo -u` takes it. */
function nameOf(uid: number): string {
  try {
    const said = execFileSync("id", ["-nu", String(uid)], { encoding: "utf8", timeout: NAME_WITHIN_MS, stdio: "pipe" });
    return said.trim() || `#${uid}`;
  } catch {
    return `#${uid}`;
  }
}
