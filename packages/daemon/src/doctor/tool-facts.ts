/** Programs of the operating system that a sentinel calls. */
import { execFile } from "node:child_process";
import { ensureError, systemCode } from "@castellan/kernel";

export interface ToolFacts {
  /** Cuts the output of processes at its head. Only the one of util-linux can. */
  readonly fallocate: { readonly version: string } | { readonly problem: string };
}

const ASK_MS = 2000;

export async function examineTools(environment: Readonly<Record<string, string | undefined>>): Promise<ToolFacts> {
  return { fallocate: await examineFallocate(environment["PATH"] ?? "") };
}

function examineFallocate(path: string): Promise<ToolFacts["fallocate"]> {
  return new Promise((resolve) => {
    execFile("fallocate", ["--version"], { timeout: ASK_MS, env: { PATH: path, LC_ALL: "C" } }, (error, stdout) => {
      const version = /util-linux \S+/.exec(stdout)?.[0];
      if (version !== undefined) resolve({ version });
      else if (systemCode(error) === "ENOENT") resolve({ problem: "there is no program fallocate" });
      else if (error !== null && systemCode(error) !== undefined) resolve({ problem: ensureError(error).message });
      else resolve({ problem: "the program fallocate is not the one of util-linux" });
    });
  });
}
