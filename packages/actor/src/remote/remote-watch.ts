/**
 * Death watch of an actor elsewhere: one probe a second. Gone means: it says so, another life of the name answers, or
 * nobody answers for the name twice in a row. A time-out proves nothing: it may be our own link.
 */
import type { Clock, Timer } from "@castellan/kernel";
import { z } from "zod";
import { NotReachable } from "../errors.ts";
import type { TerminationReason } from "../ref.ts";
import type { Address, Headers, Transport } from "../transport/transport.ts";
import { pathOf } from "./address.ts";
import { NO_HEADERS } from "./wire.ts";

/** The hidden verb of death watch. No message type has it: verbs of types start with a letter. */
export const WATCH_VERB = "_watch";

const PROBE_EVERY_MS = 1000;
const NOBODY_MEANS_GONE = 2;

const Life = z.object({ incarnation: z.string(), stopped: z.boolean(), epoch: z.int().nullable().catch(null) });

/** What an exposed actor says of itself. */
export type Life = z.infer<typeof Life>;

/** Rejects as `Transport.request` does, and when the answer cannot be read. */
export async function askLife(
  transport: Transport | undefined,
  address: Address,
  headers: Headers = NO_HEADERS,
): Promise<Life> {
  if (transport === undefined) throw new NotReachable(pathOf(address), WATCH_VERB);
  const { body } = await transport.request(address, WATCH_VERB, new Uint8Array(0), headers, PROBE_EVERY_MS);
  return Life.parse(JSON.parse(new TextDecoder().decode(body)));
}

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
  const onAnswer = (life: Life): void => {
    nobody = 0;
    incarnation ??= life.incarnation;
    if (life.stopped || life.incarnation !== incarnation) end("stopped");
  };
  const onFailure = (thrown: unknown): void => {
    nobody = thrown instanceof NotReachable ? nobody + 1 : 0;
    if (nobody >= NOBODY_MEANS_GONE) end("unreachable");
  };
  const probe = async (): Promise<void> => {
    if (over) return;
    try {
      onAnswer(await askLife(transport, address));
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
