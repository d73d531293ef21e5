export type { Invocation, Run } from "./invocation.ts";
export { main } from "./main.ts";
export { type ProgramName, runProgram } from "./programs.ts";
