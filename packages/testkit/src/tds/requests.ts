/** What a client asks for once it is logged in. */
import type { H2Value } from "../h2.ts";
import { ByteReader } from "./bytes.ts";
import { MESSAGE, type Message } from "./packets.ts";
import { readParameter } from "./values.ts";

export type TdsRequest =
  /** Text with its parameters by name (`@0`): `sp_executesql`, or a plain batch without. */
  | { readonly kind: "script"; readonly isProcedure: boolean; readonly text: string; readonly params: Params }
  | { readonly kind: "transaction"; readonly what: "begin" | "commit" | "rollback"; readonly isSnapshot: boolean };

export type Params = ReadonlyMap<string, H2Value>;

const EXECUTE_SQL = 10;
/** Of the isolation levels the one that sees a single moment; H2 has it too. */
const SNAPSHOT = 5;
const BY_NUMBER = 0xffff;
const TRANSACTIONS: Readonly<Record<number, "begin" | "commit" | "rollback">> = {
  5: "begin",
  7: "commit",
  8: "rollback",
};

/** Throws for what the double does not know. */
export function parseRequest({ type, bytes }: Message): TdsRequest {
  const reader = new ByteReader(bytes);
  reader.take(reader.u32() - 4); // ALL_HEADERS: of transactions there is one a connection at most
  switch (type) {
    case MESSAGE.batch:
      return { kind: "script", isProcedure: false, text: restText(reader), params: new Map() };
    case MESSAGE.rpc:
      return parseCall(reader);
    case MESSAGE.transaction: {
      const what = TRANSACTIONS[reader.u16()];
      if (what !== undefined) {
        return { kind: "transaction", what, isSnapshot: what === "begin" && reader.u8() === SNAPSHOT };
      }
      break;
    }
  }
  throw new TypeError(`the double knows no message of type ${type}`);
}

function parseCall(reader: ByteReader): TdsRequest {
  const length = reader.u16();
  const procedure = length === BY_NUMBER ? reader.u16() : reader.text(length);
  if (procedure !== EXECUTE_SQL) throw new TypeError(`the double knows no procedure ${procedure}`);
  reader.u16();
  const params = new Map<string, H2Value>();
  while (reader.hasMore) {
    const name = reader.shortText();
    reader.u8();
    params.set(name === "" ? `#${params.size}` : name, readParameter(reader));
  }
  // The first two are the statement and what its parameters are called, which the parameters say themselves.
  const [statement, , ...rest] = [...params];
  return { kind: "script", isProcedure: true, text: String(statement?.[1]), params: new Map(rest) };
}

function restText(reader: ByteReader): string {
  let text = "";
  while (reader.hasMore) text += reader.text(1);
  return text;
}
