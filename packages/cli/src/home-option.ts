/** Which home a command is about, and how to say so in a command that is printed for copying. */
import { relative, resolve } from "node:path";
import { shellWord } from "./format/shell-word.ts";
import type { Io } from "./io.ts";

/** `--home`, else `CASTELLAN_HOME`, else `./castellan-home`; absolute. */
export function homeOf({ cwd, env }: Pick<Io, "cwd" | "env">, given?: string): string {
  const fromEnvironment = env["CASTELLAN_HOME"];
  const named = given ?? (fromEnvironment === undefined || fromEnvironment === "" ? "castellan-home" : fromEnvironment);
  return resolve(cwd, named);
}

/** ` --home DIR`, or nothing where that home is found without it. */
export function homeOption(io: Pick<Io, "cwd" | "env">, home: string): string {
  if (home === homeOf(io)) return "";
  const near = relative(io.cwd, home);
  return ` --home ${shellWord(near === "" ? "." : near.startsWith("..") ? home : near)}`;
}
