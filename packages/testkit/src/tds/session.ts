/** One connection that is logged in: runs its requests on a session of H2, one after another. */
import type { H2Session } from "../h2.ts";
import type { AppLocks } from "./app-locks.ts";
import { ByteWriter } from "./bytes.ts";
import { asServerError, SqlServerError } from "./errors.ts";
import type { TdsRequest } from "./requests.ts";
import { CalledOff, Run } from "./run.ts";
import { parseScript, type Step } from "./script.ts";
import { answerDone, transactionChanged, writeError } from "./tokens.ts";

export interface TdsSessionOptions {
  readonly h2: H2Session;
  readonly locks: AppLocks;
  /** Hears of every text that a client sends. */
  readonly onText: (text: string) => void;
}

const PARSED_TEXTS = 500;
const parsed = new Map<string, readonly Step[]>();

export class TdsSession {
  /** Set while a request is to end before its next statement. */
  isCalledOff = false;
  readonly #options: TdsSessionOptions;
  #open = 0;
  #isSnapshot = false;

  constructor(options: TdsSessionOptions) {
    this.#options = options;
  }

  /** The whole answer; null when the client has called the request off: it is told so by the answer to that. */
  async answer(request: TdsRequest): Promise<Buffer | null> {
    const writer = new ByteWriter();
    let failed = false;
    try {
      if (request.kind === "transaction") {
        this.#isSnapshot ||= request.isSnapshot;
        if (request.isSnapshot) await this.#options.h2.run(isolation("SNAPSHOT"));
        await this.transaction(request.what);
        transactionChanged(writer, request.what);
      } else {
        this.#options.onText(request.text);
        const before = this.#open;
        await new Run(this, this.#options, request, writer).all(stepsOf(request.text));
        if (request.isProcedure && this.#open !== before) {
          throw new SqlServerError(
            266,
            "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements.",
          );
        }
      }
    } catch (thrown) {
      if (thrown instanceof CalledOff) {
        if (this.#open > 0) await this.transaction("rollback");
        return null;
      }
      failed = true;
      writeError(writer, asServerError(thrown));
    }
    answerDone(writer, request.kind === "script" && request.isProcedure, failed);
    return writer.done();
  }

  get openTransactions(): number {
    return this.#open;
  }

  async transaction(what: "begin" | "commit" | "rollback"): Promise<void> {
    const { h2, locks } = this.#options;
    if (what === "begin") {
      this.#open += 1;
      if (this.#open === 1) await h2.begin();
      return;
    }
    if (this.#open === 0)
      throw new SqlServerError(
        3902,
        `The ${what.toUpperCase()} TRANSACTION request has no corresponding BEGIN TRANSACTION.`,
      );
    this.#open = what === "rollback" ? 0 : this.#open - 1;
    if (this.#open > 0) return;
    locks.releaseAll(this);
    await (what === "commit" ? h2.commit() : h2.rollback());
    if (!this.#isSnapshot) return;
    this.#isSnapshot = false;
    await h2.run(isolation("READ COMMITTED"));
  }

  async close(): Promise<void> {
    this.#options.locks.releaseAll(this);
    await this.#options.h2.close();
  }
}

const isolation = (level: string): string => `SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL ${level}`;

function stepsOf(text: string): readonly Step[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const steps = parseScript(text);
  if (parsed.size >= PARSED_TEXTS) parsed.clear();
  parsed.set(text, steps);
  return steps;
}
