/** The programs by the original's names, run as an operator does. */
import { type CliResult, repositoryRoot, runCli } from "@castellan/testkit";
import type { TestNode } from "./node.ts";

export type SwProgram = "swsvrmgr" | "swadm" | "swstart" | "swstop";

export const swPath = (program: SwProgram): string => `${repositoryRoot}/packages/cli/bin/${program}.mjs`;

/** Runs one for the node's home. */
export const sw = (node: Pick<TestNode, "home">, program: SwProgram, ...args: string[]): Promise<CliResult> =>
  runCli(args, { home: node.home, program: swPath(program), timeoutMs: 120_000 });
