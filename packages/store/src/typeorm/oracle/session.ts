/** One session on an Oracle server: opened in the state that ours all have, asked with a deadline, and seen off. */
import { type Clock, ensureError, type Logger } from "@castellan/kernel";
import {
  cutOff,
  type OracleBinds,
  type OracleDriver,
  type OracleOptions,
  type OracleResult,
  type OracleSession,
} from "./driver.ts";
import { ANSWER_MS, CALL_MS, connectOptions, type OracleAddress, openingBlock, oracleParts } from "./settings.ts";

export interface OpenedSession {
  readonly session: OracleSession;
  /** What no other session is called, now or later: the start of its tickets. */
  readonly name: string;
}

/** How long a server may take to see a session off, milliseconds. */
const GOODBYE_MS = 500;
const MOST_NAME = 100;

export async function openSession(driver: OracleDriver, address: OracleAddress, clock: Clock): Promise<OpenedSession> {
  const session = await driver.getConnection(await connectOptions(address));
  try {
    session.callTimeout = CALL_MS;
    const name = { dir: driver.BIND_OUT, type: driver.STRING, maxSize: MOST_NAME };
    const { outBinds } = await answered(session, clock, openingBlock(oracleParts(address.url).schema), { name });
    return { session, name: String(outBinds?.["name"]) };
  } catch (thrown) {
    cutOff(session);
    throw thrown;
  }
}

/**
 * The driver interrupts a call that takes too long; a server that does not even answer that is not waited for: an error with
 * the code of a lost connection (`NJS-500`).
 */
export function answered(
  session: OracleSession,
  clock: Clock,
  sql: string,
  binds: OracleBinds = [],
  options: OracleOptions = {},
): Promise<OracleResult> {
  return new Promise((resolve, reject) => {
    const late = clock.after(session.callTimeout + ANSWER_MS - CALL_MS, () => {
      reject(Object.assign(new Error("the server does not answer"), { code: "NJS-500" }));
    });
    void session
      .execute(sql, binds, options)
      .then(resolve, reject)
      .finally(() => late.cancel());
  });
}

/** Leaves no socket behind, also when the server does not answer any more. */
export async function seeOff(session: OracleSession, clock: Clock, logger: Logger): Promise<void> {
  await new Promise<void>((resolve) => {
    const impatience = clock.after(GOODBYE_MS, () => {
      cutOff(session);
      resolve();
    });
    void session
      .close()
      .catch((thrown: unknown) => {
        logger.debug("a database session was gone before it was closed", { reason: ensureError(thrown).message });
      })
      .finally(() => {
        impatience.cancel();
        resolve();
      });
  });
}
