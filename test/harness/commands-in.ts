/** Commands given in homes below one directory. */
import { type CliResult, runCli, type TempHome } from "@castellan/testkit";
import { expect } from "vitest";
import { said } from "./node.ts";

const TIMEOUT_MS = 120_000;

type Command = (home: string, ...args: string[]) => Promise<CliResult>;

/** `home`: its path below `temp()`, which is asked for with every command. */
export function commandsIn(temp: () => TempHome): { readonly castellan: Command; readonly must: Command } {
  const castellan: Command = (home, ...args) =>
    runCli([...args, "--home", temp().path(home)], { timeoutMs: TIMEOUT_MS });
  return {
    castellan,
    async must(home, ...args) {
      const result = await castellan(home, ...args);
      expect(result.code, `${args.join(" ")}: ${said(result)}`).toBe(0);
      return result;
    },
  };
}
