/** The tokens of answers, but for rows (`values.ts`). */
import { ByteWriter } from "./bytes.ts";
import type { SqlServerError } from "./errors.ts";
import { PACKET_SIZE } from "./packets.ts";

const DONE = 0xfd;
const DONE_PROC = 0xfe;
const DONE_IN_PROC = 0xff;
const MORE = 0x01;
const FAILED = 0x02;
const COUNTED = 0x10;
const ATTENTION = 0x20;

/** Ends one statement: within a procedure call (`sp_executesql`) or in a plain batch. More always follows. */
export function statementDone(writer: ByteWriter, isProcedure: boolean, touched: number | null): void {
  const status = MORE | (touched === null ? 0 : COUNTED);
  writer
    .u8(isProcedure ? DONE_IN_PROC : DONE)
    .u16(status)
    .u16(0)
    .i64(BigInt(touched ?? 0));
}

/** Ends the whole answer. */
export function answerDone(writer: ByteWriter, isProcedure: boolean, failed: boolean): void {
  if (isProcedure) writer.u8(0x79).u32(failed ? -6 : 0);
  writer
    .u8(isProcedure ? DONE_PROC : DONE)
    .u16(failed ? FAILED : 0)
    .u16(0)
    .i64(0n);
}

/** What a client gets that has called a request off: by then nothing of it goes on. */
export function attentionDone(): Buffer {
  return new ByteWriter().u8(DONE).u16(ATTENTION).u16(0).i64(0n).done();
}

export function writeError(writer: ByteWriter, { number, state, severity, message }: SqlServerError): void {
  const body = new ByteWriter()
    .u32(number)
    .u8(state)
    .u8(severity)
    .longText(message)
    .shortText("double")
    .shortText("")
    .u32(1)
    .done();
  writer.u8(0xaa).u16(body.length).bytes(body);
}

/** Welcome: the database, the size of packets, the version (16.0, as SQL Server 2022 says it). */
export function loginDone(database: string): Buffer {
  const writer = new ByteWriter();
  change(writer, new ByteWriter().u8(1).shortText(database).shortText(""));
  change(writer, new ByteWriter().u8(4).shortText(String(PACKET_SIZE)).shortText(String(PACKET_SIZE)));
  const ack = new ByteWriter().u8(1).bytes([0x74, 0, 0, 4]).shortText("TDS double on H2").bytes([16, 0, 0, 0]).done();
  writer.u8(0xad).u16(ack.length).bytes(ack);
  answerDone(writer, false, false);
  return writer.done();
}

const NO_TRANSACTION = [0] as const;
const TRANSACTION = [8, 1, 0, 0, 0, 0, 0, 0, 0] as const;

/** A transaction of the driver's has begun, was committed, or was rolled back. */
export function transactionChanged(writer: ByteWriter, what: "begin" | "commit" | "rollback"): void {
  const body = new ByteWriter().u8({ begin: 8, commit: 9, rollback: 10 }[what]);
  const [now, before] = what === "begin" ? [TRANSACTION, NO_TRANSACTION] : [NO_TRANSACTION, TRANSACTION];
  change(writer, body.bytes(now, before));
}

function change(writer: ByteWriter, body: ByteWriter): void {
  const bytes = body.done();
  writer.u8(0xe3).u16(bytes.length).bytes(bytes);
}
