/** Says once a second on the bus that this part lives, with a counter that moves only when its event loop does. */
import type { Clock, Timer } from "@castellan/kernel";
import { encodeBody } from "@castellan/protocol";
import type { RoleState } from "@castellan/sentinel";
import type { LateBus } from "./late-bus.ts";

export interface Heartbeat {
  role(state: RoleState): void;
  stop(): void;
}

const EVERY_MS = 1000;

export function startHeartbeat(deps: {
  readonly bus: Pick<LateBus, "connection">;
  readonly subject: string;
  readonly clock: Clock;
}): Heartbeat {
  const { bus, subject, clock } = deps;
  let role: RoleState = { role: "slave" };
  let progress = 0;
  let timer: Timer | null = null;
  const beat = (): void => {
    progress += 1;
    const { connection } = bus;
    if (connection !== null && !connection.isClosed()) connection.publish(subject, encodeBody({ progress, ...role }));
    timer = clock.after(EVERY_MS, beat);
  };
  beat();
  return {
    role(state) {
      role = state;
    },
    stop: () => timer?.cancel(),
  };
}
