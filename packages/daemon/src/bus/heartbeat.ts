/** Says once a second on the bus that this worker lives, with a counter that moves only when its event loop does. */
import type { Clock, Timer } from "@castellan/kernel";
import { encodeBody, type Heartbeat } from "@castellan/protocol";
import type { LateBus } from "./late-bus.ts";

export interface HeartbeatVoice {
  /** Once more, now: what it says has changed. */
  sayNow(): void;
  stop(): void;
}

const EVERY_MS = 1000;

export function startHeartbeat(deps: {
  readonly bus: Pick<LateBus, "connection">;
  readonly subject: string;
  readonly clock: Clock;
  readonly say: () => Omit<Heartbeat, "progress">;
}): HeartbeatVoice {
  const { bus, subject, clock } = deps;
  let progress = 0;
  let timer: Timer | null = null;
  const beat = (): void => {
    timer?.cancel();
    progress += 1;
    const { connection } = bus;
    if (connection !== null && !connection.isClosed()) {
      connection.publish(subject, encodeBody({ progress, ...deps.say() } satisfies Heartbeat));
    }
    timer = clock.after(EVERY_MS, beat);
  };
  beat();
  return { sayNow: beat, stop: () => timer?.cancel() };
}
