/** `LOCK TABLE ... IN EXCLUSIVE MODE WAIT 10`, until the transaction or its session ends: H2 has nothing like it. */
import { clearTimeout, setTimeout } from "node:timers";
import { oracleError } from "./error.ts";

export interface TableLocks {
  take(table: string, session: string): Promise<void>;
  release(session: string): void;
}

export function createTableLocks(): TableLocks {
  const held = new Map<string, string>();
  let waiting: (() => void)[] = [];
  return {
    async take(table, session) {
      let late = false;
      while (held.has(table) && held.get(table) !== session) {
        if (late) throw oracleError("ORA-00054", "resource busy and acquire with NOWAIT specified or timeout expired");
        await new Promise<void>((resolve) => {
          const alarm = setTimeout(() => {
            late = true;
            resolve();
          }, 10_000);
          waiting.push(() => {
            clearTimeout(alarm);
            resolve();
          });
        });
      }
      held.set(table, session);
    },
    release(session) {
      for (const [table, by] of held) if (by === session) held.delete(table);
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
  };
}
