/** Runs one text with its variables: control flow here, statements on H2. */
import type { H2Column, H2Result, H2Value } from "../h2.ts";
import type { ByteWriter } from "./bytes.ts";
import { asServerError, SqlServerError } from "./errors.ts";
import { evaluate, type Scope } from "./expression.ts";
import type { Params } from "./requests.ts";
import type { Argument, Step } from "./script.ts";
import type { TdsSession, TdsSessionOptions } from "./session.ts";
import { statementDone } from "./tokens.ts";
import { translate } from "./translate.ts";
import { writeRows } from "./values.ts";

/** The client has called its request off; as with XACT_ABORT, its transaction is rolled back. */
export class CalledOff extends Error {}

/** Length of a text that has none. */
const MAX = 1_000_000_000;

export class Run {
  readonly #session: TdsSession;
  readonly #options: TdsSessionOptions;
  readonly #isProcedure: boolean;
  readonly #writer: ByteWriter;
  readonly #variables: Map<string, H2Value>;
  readonly #scope: Scope;
  #rows: H2Value[][] = [];
  #fetched = 0;
  #touched = 0;
  #isCounting = true;
  #caught: SqlServerError | undefined;

  constructor(
    session: TdsSession,
    options: TdsSessionOptions,
    { isProcedure, params }: { readonly isProcedure: boolean; readonly params: Params },
    writer: ByteWriter,
  ) {
    this.#session = session;
    this.#options = options;
    this.#isProcedure = isProcedure;
    this.#writer = writer;
    this.#variables = new Map(params);
    this.#scope = {
      variable: (name) => this.#variable(name),
      call: (name, args) => this.#call(name, args),
    };
  }

  async all(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#step(step);
  }

  async #step(step: Step): Promise<void> {
    if (this.#session.isCalledOff) throw new CalledOff();
    switch (step.kind) {
      case "block":
        return await this.all(step.steps);
      case "sql":
        return await this.#sql(step.text, this.#variables);
      case "if":
        if (this.#value(step.condition) === true) await this.#step(step.body);
        return;
      case "while":
        while (this.#value(step.condition) === true) await this.#step(step.body);
        return;
      case "try":
        return await this.#try(step.body, step.handler);
      case "set":
        this.#variables.set(step.name, this.#value(step.value));
        return;
      case "option":
        if (step.names.includes("NOCOUNT")) this.#isCounting = step.value.toUpperCase() !== "ON";
        return;
      case "transaction":
        return await this.#session.transaction(step.what);
      case "cursor":
        this.#rows = rowsOfJson(this.#variable(step.json), step.columns);
        return;
      case "fetch": {
        const row = this.#rows.shift();
        this.#fetched = row === undefined ? -1 : 0;
        step.into.forEach((name, at) => this.#variables.set(name, row?.[at] ?? null));
        return;
      }
      case "execute":
        return await this.#execute(String(this.#value(step.statement)), step.params);
      case "lock":
        return await this.#lock(step.result, step.procedure, step.params);
      case "throw":
        throw new SqlServerError(Number(step.number), String(this.#value(step.message)));
      case "select":
        return this.#select(step.items);
      case "nothing":
        return;
    }
  }

  async #try(body: Step, handler: Step): Promise<void> {
    try {
      await this.#step(body);
    } catch (thrown) {
      if (thrown instanceof CalledOff) throw thrown;
      this.#caught = asServerError(thrown);
      await this.#step(handler);
    }
  }

  async #execute(text: string, args: readonly Argument[]): Promise<void> {
    const params = new Map(args.map(({ name, value }) => [name, this.#value(value)]));
    await this.#sql(text, params);
  }

  async #sql(text: string, params: Params): Promise<void> {
    let result: H2Result | undefined;
    for (const { sql, params: values } of translate(text, params)) result = await this.#options.h2.run(sql, values);
    if (result === undefined) return;
    if (result.touched === null) this.#show(result.columns, result.rows);
    else {
      this.#touched = result.touched;
      if (this.#isCounting) statementDone(this.#writer, this.#isProcedure, result.touched);
    }
  }

  #show(columns: readonly H2Column[], rows: readonly (readonly H2Value[])[]): void {
    writeRows(this.#writer, columns, rows);
    statementDone(this.#writer, this.#isProcedure, rows.length);
    this.#touched = rows.length;
  }

  #select(items: readonly Argument[]): void {
    const values = items.map(({ value }) => this.#value(value));
    const columns = items.map(({ name }, at): H2Column => {
      const isNumber = typeof values[at] === "number";
      return { name, type: isNumber ? "INTEGER" : "CHARACTER VARYING", precision: MAX, scale: 0, nullable: true };
    });
    this.#show(columns, [values]);
  }

  async #lock(result: string, procedure: string, params: readonly Argument[]): Promise<void> {
    const { locks } = this.#options;
    const args = new Map(params.map(({ name, value }) => [name, this.#value(value)]));
    const name = String(args.get("@Resource"));
    if (procedure === "sp_releaseapplock") {
      locks.release(name, this.#session);
      this.#variables.set(result, 0);
      return;
    }
    this.#variables.set(result, await locks.take(name, this.#session, Number(args.get("@LockTimeout") ?? 0)));
  }

  #value(source: string): H2Value {
    return evaluate(source, this.#scope);
  }

  #variable(name: string): H2Value {
    switch (name.toUpperCase()) {
      case "@@ROWCOUNT":
        return this.#touched;
      case "@@FETCH_STATUS":
        return this.#fetched;
      case "@@TRANCOUNT":
        return this.#session.openTransactions;
    }
    if (!this.#variables.has(name)) throw new SqlServerError(137, `Must declare the scalar variable "${name}".`, 15);
    return this.#variables.get(name) ?? null;
  }

  #call(name: string, args: readonly H2Value[]): H2Value {
    switch (name) {
      case "CONCAT":
        return args.map((one) => one ?? "").join("");
      case "ERROR_NUMBER":
        return this.#caught?.number ?? null;
      case "ERROR_MESSAGE":
        return this.#caught?.message ?? null;
    }
    throw new SqlServerError(195, `'${name}' is not a recognized built-in function name.`);
  }
}

function rowsOfJson(
  json: H2Value,
  columns: readonly { readonly property: string; readonly isJson: boolean }[],
): H2Value[][] {
  const list: unknown = JSON.parse(String(json));
  if (!Array.isArray(list)) throw new SqlServerError(13_609, "JSON text is not properly formatted.");
  return list.map((one: unknown) =>
    columns.map(({ property, isJson }): H2Value => {
      const value: unknown = typeof one === "object" && one !== null ? Reflect.get(one, property) : undefined;
      if (isJson) return JSON.stringify(value) ?? null;
      return typeof value === "string" || typeof value === "number" ? value : null;
    }),
  );
}
