/**
 * Looks after the files by which this server knows the others of its bus: says when they have been exchanged for others that can
 * be used, and when something is or will be wrong with them. Nothing here ends a connection: those that are there go on.
 */
import { statSync } from "node:fs";
import { type Clock, ensureError, type Logger, type Timer } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol/home";
import { examineTrust, judgeTrust, type TrustFiles, type TrustProblem } from "@castellan/trust";

export interface TrustWatch {
  /** Tells the worst that is wrong, null = nothing, now and whenever that changes. */
  follow(listener: (problem: TrustProblem | null) => void): void;
  close(): void;
}

const LOOK_MS = 1000;
/** Nothing has to be written for a certificate to end. */
const JUDGE_MS = 3_600_000;

/** Null: this server's bus needs none, or others keep it. */
export function trustFilesOf({ natsServer }: Pick<HomeSettings, "natsServer">): TrustFiles | null {
  const tls = natsServer?.tls ?? null;
  return tls === null ? null : { ca: tls.ca, certificate: tls.cert, key: tls.key };
}

/** `exchanged` is called once at the beginning too: what a server that has outlived its worker has read is not known. */
export function watchTrust(deps: {
  readonly files: TrustFiles;
  readonly clock: Clock;
  readonly log: Logger;
  readonly exchanged: () => void;
}): TrustWatch {
  const { files, clock, log, exchanged } = deps;
  const listeners = new Set<(problem: TrustProblem | null) => void>();
  let seen = "";
  let judgedMs = 0;
  let problem: TrustProblem | null = null;
  let timer: Timer | null = null;

  const judge = (): void => {
    judgedMs = clock.bootMs();
    const [worst = null] = judgeTrust(examineTrust(files), clock.now()).toSorted(
      (a, b) => Number(b.isFatal) - Number(a.isFatal),
    );
    if (worst?.message === problem?.message) return;
    problem = worst;
    if (worst === null) log.info("the certificate of this server is in order");
    else log.error("the certificate of this server needs somebody", { ...worst });
    for (const listener of listeners) listener(problem);
  };
  const look = (): void => {
    try {
      const now = Object.values(files).map(stampOf).join(" ");
      const isOther = now !== seen;
      seen = now;
      if (isOther || clock.bootMs() - judgedMs >= JUDGE_MS) judge();
      if (isOther && problem?.isFatal !== true) exchanged();
    } catch (thrown) {
      log.error("the certificate of this server could not be looked at", { error: ensureError(thrown) });
    }
    timer = clock.after(LOOK_MS, look);
  };
  look();
  return {
    follow(listener) {
      listeners.add(listener);
      listener(problem);
    },
    close() {
      timer?.cancel();
      listeners.clear();
    },
  };
}

/** Another file, another time or another size is another content. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "-" : `${found.ino}/${found.mtimeMs}/${found.ctimeMs}/${found.size}`;
}
