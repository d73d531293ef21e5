/**
 * The original's catalogue of server processes: 17 instances of 12 types over three servers, the foreground on the first.
 * Each is a `teller`, ready after `readyAfterMs`.
 */
import { teller } from "./journal.ts";

/** What each type waits for. */
export const CATALOGUE: Readonly<Record<string, readonly string[]>> = {
  RPC_TCP_LI: [],
  RPC_UDP_LI: [],
  WQS: ["RPC_TCP_LI", "RPC_UDP_LI"],
  WIS: ["WQS"],
  WISMBD: ["WIS"],
  BG: ["WISMBD"],
  BGPREDICT: ["WISMBD"],
  DIRECTOR: ["WISMBD"],
  DLMGR: ["WISMBD"],
  IAPJMS: ["WISMBD"],
  RPCBG: ["WISMBD"],
  SPO: ["WISMBD"],
};

export const FOREGROUND: ReadonlySet<string> = new Set(["RPC_TCP_LI", "RPC_UDP_LI", "WQS", "WIS", "WISMBD"]);

const PLACES = `
servers:
  hades: { RPC_TCP_LI: 1, RPC_UDP_LI: 1, WQS: 1, WIS: 2, WISMBD: 2, BG: 2 }
  zeus: { BG: 1, BGPREDICT: 1, DIRECTOR: 1, DLMGR: 1 }
  hera: { BG: 1, IAPJMS: 1, RPCBG: 1, SPO: 1 }
`;

export function catalogue(readyAfterMs = 100): string {
  const types = Object.entries(CATALOGUE).map(([type, needs]) => {
    const layer = FOREGROUND.has(type) ? "foreground" : "background";
    const exclusive = type === "WQS" ? ", exclusive: true" : "";
    const ready = '{ logLine: "^ready", timeout: 30s }';
    return `  ${type}: { command: ${teller(readyAfterMs)}, layer: ${layer}${exclusive}, dependsOn: [${needs.join(", ")}], ready: ${ready} }`;
  });
  return `types:\n${types.join("\n")}\n${PLACES}`;
}

/** Smaller, for tests that start and stop often: one foreground type, one type on every server that needs it. */
export const SMALL_EXCLUSIVE: ReadonlySet<string> = new Set(["FRONT"]);
export const smallNode = (readyAfterMs = 0): string => {
  const ready = 'ready: { logLine: "^ready", timeout: 30s }';
  return `
types:
  FRONT: { command: ${teller(readyAfterMs)}, layer: foreground, ${ready} }
  BACK: { command: ${teller(readyAfterMs)}, dependsOn: [FRONT], ${ready} }
servers:
  hades: { FRONT: 1, BACK: 1 }
  zeus: { BACK: 1 }
  hera: { BACK: 1 }
`;
};
