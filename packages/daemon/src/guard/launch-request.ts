/** What the guard is given to start a process: the definition of `run`, in words that the shell cannot read otherwise. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { GuardedLaunch } from "@castellan/sentinel";
import { shellWord } from "./script.ts";

/** The programs that `run` goes through, by their absolute paths: the process's own PATH may lead anywhere. */
export interface GuardTools {
  readonly setsid: string;
  readonly setpriv: string;
  readonly env: string;
}

/** Null when one is missing; says which. */
export function findGuardTools(path: string): GuardTools | { readonly missing: string } {
  const find = (name: string): string | null => {
    for (const directory of [...path.split(delimiter), "/usr/bin", "/bin"]) {
      try {
        accessSync(join(directory, name), constants.X_OK);
        if (directory.startsWith("/")) return join(directory, name);
      } catch {
        // not in this one
      }
    }
    return null;
  };
  const [setsid, setpriv, env] = [find("setsid"), find("setpriv"), find("env")];
  if (setsid === null || setpriv === null) return { missing: "setsid and setpriv (util-linux)" };
  if (env === null) return { missing: "env (coreutils)" };
  return { setsid, setpriv, env };
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names that mean something to the shell itself while it still runs. */
const SHELL_OWN = new Set(["IFS", "PATH", "PWD", "OLDPWD", "PS4", "OPTIND"]);

/**
 * The variables go through the shell's own table, not through arguments: those everybody can read in the process table. Only
 * names that no shell can hold go that way.
 */
export function launchRequest({ argv, cwd, env, output }: GuardedLaunch, tools: GuardTools): string {
  const names = Object.keys(env);
  const plain = names.filter((name) => IDENTIFIER.test(name) && !SHELL_OWN.has(name));
  const odd = names.filter((name) => !plain.includes(name));
  const exports = plain.map((name) => `export ${name}=${shellWord(env[name] ?? "")}`);
  const words = [
    tools.setpriv,
    "--pdeathsig",
    "KILL",
    // Second: whoever sees the session sees that the first is done too.
    tools.setsid,
    tools.env,
    // A shell has its background processes ignore these.
    "--default-signal=INT,QUIT",
    "-u",
    "CASTELLAN_BOOT",
    ...(names.includes("PATH") ? [] : ["-u", "PATH"]),
    ...(names.includes("PWD") ? [] : ["-u", "PWD"]),
    ...(names.includes("OLDPWD") ? [] : ["-u", "OLDPWD"]),
    ...odd.map((name) => `${name}=${env[name] ?? ""}`),
    ...argv,
  ];
  return [
    "run() {",
    `exec >> ${shellWord(output)} 2>&1`,
    `cd ${shellWord(cwd)} || exit 126`,
    ...exports,
    `exec ${words.map(shellWord).join(" ")}`,
    "}",
    "",
  ].join("\n");
}
