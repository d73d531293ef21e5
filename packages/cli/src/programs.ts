/** The programs by the original's names. Each grammar is loaded when its program is called. */
import type { Invocation } from "./invocation.ts";
import { type Io, systemIo } from "./io.ts";
import { main } from "./main.ts";
import type { Grammar } from "./program-base.ts";

const PROGRAMS = {
  swsvrmgr: async () => (await import("./sw/swsvrmgr.ts")).swsvrmgr,
  swadm: async () => (await import("./sw/swadm.ts")).swadm,
  swstart: async () => (await import("./sw/swstart.ts")).swstart,
  swstop: async () => (await import("./sw/swstop.ts")).swstop,
} as const satisfies Readonly<Record<string, () => Promise<Grammar>>>;

export type ProgramName = keyof typeof PROGRAMS;

/** As `main`, for another program. */
export async function runProgram(
  name: ProgramName,
  args: readonly string[],
  io: Io = systemIo(),
  openAdmin?: Invocation["openAdmin"],
): Promise<number> {
  return await main(args, io, openAdmin, await PROGRAMS[name]());
}
