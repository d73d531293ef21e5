/** `fenceCommand` of castellan.yaml: makes certain, by whatever means, that a lost server runs nothing (switches it off, say). */
import { execFile } from "node:child_process";
import { CastellanError } from "@castellan/kernel";

export interface FenceCommandDeps {
  /** An argument vector, never a shell; `{server}` stands for the server's name. */
  readonly command: readonly string[];
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A command that takes longer has failed, milliseconds. */
const WITHIN_MS = 60_000;
const MAX_WORDS = 500;

/** Rejects FENCE_FAILED, with what the command said, unless it ends with exit code 0. Whoever calls it calls it once. */
export function createFenceCommand({ command, home, env }: FenceCommandDeps): (server: string) => Promise<void> {
  return (server) =>
    new Promise((resolve, reject) => {
      const [program = "", ...args] = command.map((word) => word.replaceAll("{server}", server));
      const options = {
        cwd: home,
        env: { ...env, CASTELLAN_SERVER: server },
        timeout: WITHIN_MS,
        killSignal: "SIGKILL",
      } as const;
      execFile(program, args, options, (error, stdout, stderr) => {
        if (error === null) {
          resolve();
          return;
        }
        const said = `${stderr}${stdout}`.trim().slice(-MAX_WORDS);
        const why = error.killed === true ? `not done within ${WITHIN_MS / 1000} s` : (error.code ?? error.signal);
        reject(new CastellanError("FENCE_FAILED", `${program}: ${why}${said === "" ? "" : `: ${said}`}`));
      });
    });
}
