/**
 * A few sessions on an Oracle server: opened when there is work, closed when there has been none for a while.
 *
 * Not the driver's own pool: that keeps the first password for ever, and waits for servers that do not answer any more.
 */
import type { Clock, Logger, Timer } from "@castellan/kernel";
import { StoreUnavailable } from "../../errors.ts";
import { BatchFailure } from "../connection.ts";
import { isAnswer } from "../dialects/oracle-faults.ts";
import { cutOff, type OracleBinds, type OracleOptions, type OracleResult } from "./driver.ts";
import { answered, type OpenedSession, seeOff } from "./session.ts";
import { ANSWER_MS, CONNECT_MS } from "./settings.ts";

/** One session, for as long as one caller works with it. */
export interface OracleDesk {
  readonly name: string;
  call(sql: string, binds: OracleBinds, options?: OracleOptions): Promise<OracleResult>;
}

export interface OracleSessions {
  use<R>(work: (desk: OracleDesk) => Promise<R>): Promise<R>;
  /** After the work under way. Leaves no socket behind. */
  close(): Promise<void>;
}

interface Idle extends OpenedSession {
  readonly expiry: Timer;
}

const MOST_SESSIONS = 4;
const MOST_WAITING = 10_000;
const IDLE_MS = 5_000;

export function createSessions(open: () => Promise<OpenedSession>, clock: Clock, logger: Logger): OracleSessions {
  const idle: Idle[] = [];
  const waiting: ((next: OpenedSession | "open") => void)[] = [];
  const leaving = new Set<Promise<void>>();
  let taken = 0;
  let closed = false;

  const leave = ({ session }: OpenedSession): void => {
    const gone = seeOff(session, clock, logger).finally(() => leaving.delete(gone));
    leaving.add(gone);
  };

  const acquire = async (): Promise<OpenedSession> => {
    if (closed) throw new StoreUnavailable("the gateway is closed");
    for (let next = idle.pop(); next !== undefined; next = idle.pop()) {
      next.expiry.cancel();
      if (next.session.isHealthy()) {
        taken += 1;
        return next;
      }
      leave(next);
    }
    if (taken < MOST_SESSIONS) {
      taken += 1;
      return await openOne();
    }
    if (waiting.length >= MOST_WAITING) throw new StoreUnavailable(`${MOST_WAITING} reads are waiting already`);
    const next = await new Promise<OpenedSession | "open">((resolve, reject) => {
      const late = clock.after(CONNECT_MS + ANSWER_MS, () => {
        waiting.splice(waiting.indexOf(mine), 1);
        reject(new StoreUnavailable("no session to the database became free in time"));
      });
      const mine = (given: OpenedSession | "open"): void => {
        late.cancel();
        resolve(given);
      };
      waiting.push(mine);
    });
    return next === "open" ? await openOne() : next;
  };

  /** Its place is taken already. */
  const openOne = async (): Promise<OpenedSession> => {
    try {
      return await open();
    } catch (thrown) {
      giveUpPlace();
      throw thrown;
    }
  };

  const giveUpPlace = (): void => {
    const next = waiting.shift();
    if (next === undefined) taken -= 1;
    else next("open");
  };

  const release = (opened: OpenedSession): void => {
    const next = waiting.shift();
    if (next !== undefined) {
      next(opened);
      return;
    }
    taken -= 1;
    if (closed) {
      leave(opened);
      return;
    }
    const expiry = clock.after(IDLE_MS, () => {
      idle.splice(idle.indexOf(kept), 1);
      leave(opened);
    });
    const kept: Idle = { ...opened, expiry };
    idle.push(kept);
  };

  return {
    async use(work) {
      const opened = await acquire();
      let broke = true;
      try {
        const done = await work({ name: opened.name, call: (...said) => answered(opened.session, clock, ...said) });
        broke = false;
        return done;
      } catch (thrown) {
        broke = !(isAnswer(thrown) || thrown instanceof BatchFailure);
        throw thrown;
      } finally {
        if (broke) {
          cutOff(opened.session);
          giveUpPlace();
        } else release(opened);
      }
    },

    async close() {
      closed = true;
      for (const one of idle.splice(0)) {
        one.expiry.cancel();
        leave(one);
      }
      await Promise.all(leaving);
    },
  };
}
