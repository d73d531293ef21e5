/** Others who are asked about the master: members whether they see it, its watcher whether it is just being brought back. */
import type { ActorSystem } from "@castellan/actor";
import { CastellanError, ensureError, type Logger } from "@castellan/kernel";
import { Sentinel, Watcher } from "@castellan/protocol";
import type { ElectionEvent } from "./election-state.ts";

export interface Witnesses {
  /** Told as Opined, or not at all. */
  askMember(id: number, epoch: number): Promise<void>;
  /** Told as Vouched in any case. */
  askWatcher(id: number): Promise<void>;
}

/** Milliseconds. */
const MEMBER_MS = 700;
const WATCHER_MS = 200;

export function createWitnesses(deps: {
  readonly system: Pick<ActorSystem, "remote">;
  readonly nameOf: (serverId: number) => string | null;
  readonly log: Logger;
  readonly happened: (event: ElectionEvent) => void;
}): Witnesses {
  const { system, log, happened } = deps;
  const hostOf = (id: number): string => {
    const host = deps.nameOf(id);
    if (host === null) throw new CastellanError("UNKNOWN_SERVER", `there is no server ${id}`);
    return host;
  };
  return {
    async askMember(id, epoch) {
      try {
        const member = system.remote(Sentinel, { host: hostOf(id) });
        happened({ type: "Opined", ...(await member.ask({ type: "MasterSeen", epoch }, { timeoutMs: MEMBER_MS })) });
      } catch (thrown) {
        log.debug("another member gave no opinion", { member: id, error: ensureError(thrown) });
      }
    },
    async askWatcher(id) {
      try {
        const watcher = system.remote(Watcher, { host: hostOf(id) });
        const { worker } = await watcher.ask({ type: "Vouch" }, { timeoutMs: WATCHER_MS });
        happened({ type: "Vouched", word: worker });
      } catch (thrown) {
        log.debug("the watcher says nothing for its worker", { server: id, error: ensureError(thrown) });
        happened({ type: "Vouched", word: "nobody" });
      }
    },
  };
}
