/**
 * `live.master` and the master's heartbeats, as the election sees the bus. Nothing here waits for long or throws: what the bus
 * does not say is said as such.
 */
import { mayAnswer } from "@castellan/actor/nats";
import { type Clock, ensureError, type Logger } from "@castellan/kernel";
import { decodeBody, encodeBody, LiveAnswer, LiveQuestion, type LiveWord, type Subjects } from "@castellan/protocol";
import type { LivePort } from "@castellan/sentinel";
import { type NatsConnection, NoRespondersError, RequestError, type Subscription, TimeoutError } from "nats";
import { type Heartbeats, listenHeartbeats } from "./heartbeats.ts";
import type { LateBus } from "./late-bus.ts";

/** An answer that takes longer is none, milliseconds. */
const WITHIN_MS = 400;

export function openLiveMaster(deps: {
  readonly bus: Pick<LateBus, "connection" | "onArrival" | "upSinceMs">;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
}): LivePort {
  const { bus, subjects, clock, log } = deps;
  const subject = subjects.build({ kind: "live-master" });
  let role: LiveAnswer | null = null;
  let subscription: Subscription | null = null;
  let questioned: ((epoch: number) => void) | null = null;
  let heard: { readonly server: string; readonly heartbeats: Heartbeats } | null = null;
  let routes = "";
  let routesSinceMs = clock.bootMs();

  const answer = (body: Uint8Array, respond: (body: Uint8Array) => void): void => {
    if (role !== null) respond(encodeBody(role));
    questioned?.(LiveQuestion.parse(decodeBody(body)).epoch);
  };
  const serve = (connection: NatsConnection): void => {
    if (role === null || subscription !== null) return;
    subscription = connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) {
          log.error("questions for the master are not received", { error });
          return;
        }
        try {
          const { reply = "" } = message;
          answer(message.data, (body) => {
            if (mayAnswer(reply, message.subject)) message.respond(body);
          });
        } catch (thrown) {
          log.debug("a question for the master that is none", { error: ensureError(thrown) });
        }
      },
    });
  };
  const withdraw = bus.onArrival(serve);
  const follow = (server: string | null, beat: (epoch: number) => void): void => {
    if (heard?.server === (server ?? undefined)) return;
    heard?.heartbeats.close();
    heard = null;
    if (server === null) return;
    const heartbeats = listenHeartbeats({
      bus,
      subjects,
      clock,
      log,
      of: { server },
      onBeat(last) {
        if (last.part === "worker" && last.beat.role === "master" && last.beat.epoch !== null) beat(last.beat.epoch);
      },
    });
    heard = { server, heartbeats };
  };
  const silence = (): void => {
    role = null;
    subscription?.unsubscribe();
    subscription = null;
  };

  return {
    async ask(epoch) {
      const { connection } = bus;
      if (connection === null || bus.upSinceMs() === null) return null;
      try {
        const { data } = await connection.request(subject, encodeBody({ epoch }), { timeout: WITHIN_MS });
        const said = LiveAnswer.parse(decodeBody(data));
        return said.word === "master"
          ? { live: { word: "master", epoch: said.epoch }, askMs: said.askMs }
          : { live: said, askMs: null };
      } catch (thrown) {
        const word = wordOf(thrown);
        if (word === null) log.debug("the master could not be asked for", { error: ensureError(thrown) });
        return word === null ? null : { live: word, askMs: null };
      }
    },
    answer(as) {
      if (as === null) {
        silence();
        return;
      }
      role = as;
      if (bus.connection !== null) serve(bus.connection);
    },
    onQuestion(listener) {
      questioned = listener;
    },
    follow,
    settledMs() {
      const upSinceMs = bus.upSinceMs();
      const known = [...(bus.connection?.info?.connect_urls ?? [])].sort().join(" ");
      if (known !== routes) {
        // The own server has found others, or lost some: whom it reaches is not known for a while.
        routes = known;
        routesSinceMs = clock.bootMs();
      }
      return upSinceMs === null ? null : clock.bootMs() - Math.max(upSinceMs, routesSinceMs);
    },
    close() {
      withdraw();
      silence();
      follow(null, () => undefined);
    },
  };
}

function wordOf(thrown: unknown): LiveWord | null {
  if (thrown instanceof TimeoutError) return { word: "silence" };
  if (thrown instanceof NoRespondersError) return { word: "nobody" };
  return thrown instanceof RequestError && thrown.isNoResponders() ? { word: "nobody" } : null;
}
