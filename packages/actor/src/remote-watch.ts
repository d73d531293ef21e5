/**
 * Death watch of an actor elsewhere: one probe a second. Gone means: it says so, another life of the name answers, or
 * nobody answers for the name twice in a row. A time-out proves nothing: it may be our own link.
 */
import type { Clock, Timer } from "@castellan/kernel";
import { z } from "zod";
import { NotReachable } from "./errors.ts";
import { WATCH_VERB } from "./exposed-actor.ts";
import type { TerminationReason } from "./ref.ts";
import type { Address, Transport } from "./transport/transport.ts";
import { NO_HEADERS } from "./wire.ts";

const PROBE_EVERY_MS = 1000;
const NOBODY_MEANS_GONE = 2;

const Life = z.object({ incarnation: z.string(), stopped: z.boolean() });

export function watchRemote(
  clock: Clock,
  transport: Transport | undefined,
  address: Address,
  listener: (reason: TerminationReason) => void,
): () => void {
  let over = false;
  let timer: Timer | null = null;
  let incarnation: string | null = null;
  let nobody = 0;

  const end = (reason: TerminationReason): void => {
    if (over) return;
    over = true;
    listener(reason);
  };
  const onAnswer = (body: Uint8Array): void => {
    const life = Life.safeParse(JSON.parse(new TextDecoder().decode(body)));
    if (!life.success) return;
    nobody = 0;
    incarnation ??= life.data.incarnation;
    if (life.data.stopped || life.data.incarnation !== incarnation) end("stopped");
  };
  const onFailure = (thrown: unknown): void => {
    nobody = thrown instanceof NotReachable ? nobody + 1 : 0;
    if (nobody >= NOBODY_MEANS_GONE) end("unreachable");
  };
  const probe = async (): Promise<void> => {
    if (over) return;
    try {
      if (transport === undefined)
        throw new NotReachable(`${address.host}/${address.actor}/${address.key}`, WATCH_VERB);
      onAnswer((await transport.request(address, WATCH_VERB, new Uint8Array(0), NO_HEADERS, PROBE_EVERY_MS)).body);
    } catch (thrown) {
      onFailure(thrown);
    }
    if (!over) timer = clock.after(PROBE_EVERY_MS, () => void probe());
  };
  void probe();
  return () => {
    over = true;
    timer?.cancel();
  };
}
