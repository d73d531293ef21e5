/**
 * The block that commits, carried out in TypeScript: by what its text says about the ticket and by the rules its comment states.
 * That Oracle reads the text the same way is not shown by this.
 */
import { H2Error, type H2Result, type H2Session, type H2Value } from "../h2.ts";
import { codeOf } from "./translate.ts";

/** Moments of a commit on the server. Whoever waits there freezes it; whoever throws breaks the connection. */
export type CommitMoment = "arrived" | "written" | "committed";

interface Step {
  readonly sql: string;
  readonly params: readonly (H2Value | { readonly long: string })[];
  readonly expect: number | null;
  readonly mayExist: boolean;
}

export interface BlockRim {
  readonly session: H2Session;
  /** One of Oracle's statements on that session. */
  readonly run: (sql: string, values: Values) => Promise<H2Result>;
  readonly onCommit: (moment: CommitMoment) => Promise<void>;
}

export type Values = (place: string, at: number) => unknown;

/** The values of its OUT places. */
export async function carryOut(
  block: string,
  values: Values,
  { session, run, onCommit }: BlockRim,
): Promise<Readonly<Record<string, unknown>>> {
  const [take = "", giveBack = ""] = block.match(/(?:INSERT INTO|DELETE FROM)[^;]*:ticket[^;]*/g) ?? [];
  const steps: Step[] = JSON.parse(String(values("batch", 0)));
  const counts: number[] = [];
  let reached = -1;
  await onCommit("arrived");
  await session.begin();
  try {
    await run(take, values);
    // All at once, for speed: the session does them in order, and the first that fails undoes what came after it too.
    const outcomes = await Promise.allSettled(
      steps.map(({ sql, params }) => run(sql, (place) => longOrPlain(params[Number(place.slice(1))]))),
    );
    for (const [at, outcome] of outcomes.entries()) {
      reached = at;
      const { expect = null, mayExist = false } = steps[at] ?? {};
      if (outcome.status === "rejected" && !(mayExist && isDuplicate(outcome.reason))) throw outcome.reason;
      const touched = outcome.status === "fulfilled" ? (outcome.value.touched ?? 0) : 0;
      if (expect !== null && expect !== touched) {
        await session.rollback();
        return { failed: reached, code: 0 };
      }
      counts.push(touched);
    }
    await run(giveBack, values);
    await onCommit("written");
    await session.commit();
  } catch (thrown) {
    await session.rollback();
    const code = thrown instanceof H2Error ? Number(/^ORA-(\d+)$/.exec(codeOf(thrown.code))?.[1] ?? 0) : 0;
    if (![1, 2291, 2292].includes(code)) throw thrown;
    return { failed: reached, code: -code, reason: String(thrown) };
  }
  await onCommit("committed");
  return { counts: counts.join(",") };
}

function longOrPlain(param: Step["params"][number] | undefined): unknown {
  return typeof param === "object" && param !== null ? param.long : param;
}

const isDuplicate = (thrown: unknown): boolean => thrown instanceof H2Error && codeOf(thrown.code) === "ORA-00001";
