/** Small process types for tests, over the test kit's programs. */
import { fakePrograms } from "@castellan/testkit";

const command = (...args: string[]): string => JSON.stringify([process.execPath, ...args]);

/** Three layers: BASE, then MID (two), then TOP. */
export const LAYERS = `
types:
  BASE: { command: ${command(fakePrograms.steady)} }
  MID: { command: ${command(fakePrograms.steady)}, dependsOn: [BASE] }
  TOP: { command: ${command(fakePrograms.steady)}, dependsOn: [MID] }
servers:
  master: { BASE: 1, MID: 2, TOP: 1 }
`;

export const ONE = `
types:
  ONE: { command: ${command(fakePrograms.steady)}, stop: { signal: SIGTERM, grace: 2s } }
servers:
  master: { ONE: 1 }
`;

/** Dies by itself soon after each start. */
export const CRASHING = `
types:
  CRASH: { command: ${command(fakePrograms.crashing, "50", "3")} }
  ONE: { command: ${command(fakePrograms.steady)} }
servers:
  master: { CRASH: 1, ONE: 1 }
`;

/** Each start of it leaves its pid as a line of `starts_one_1` in the home. */
export const RECORDING = `
types:
  ONE: { command: ${command(fakePrograms.recording, "{home}/starts_{type}_{instance}")}, ready: { logLine: "^started" } }
servers:
  master: { ONE: 1 }
`;
