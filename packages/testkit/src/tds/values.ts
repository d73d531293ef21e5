/** Values on the wire: parameters as the driver sends them, columns as H2 gives them. */
import type { H2Column, H2Value } from "../h2.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";

const COLLATION = [0x09, 0x04, 0xd0, 0x00, 0x34] as const;
const NULL_LENGTH = 0xffff;
const NULL_PLP = 0xffff_ffff_ffff_ffffn;

const TYPE = { int: 0x26, bit: 0x68, float: 0x6d, nvarchar: 0xe7, varchar: 0xa7, datetime2: 0x2a } as const;

/** Type and value of one parameter. Throws for a type that nothing here sends. */
export function readParameter(reader: ByteReader): H2Value {
  const type = reader.u8();
  switch (type) {
    case TYPE.int:
    case TYPE.bit:
    case TYPE.float:
      reader.u8();
      return readNumber(type, reader.take(reader.u8()));
    case TYPE.nvarchar:
    case TYPE.varchar: {
      const encoding = type === TYPE.nvarchar ? "utf16le" : "latin1";
      const longest = reader.u16();
      reader.take(COLLATION.length);
      if (longest === NULL_LENGTH) return readChunks(reader)?.toString(encoding) ?? null;
      const length = reader.u16();
      return length === NULL_LENGTH ? null : reader.take(length).toString(encoding);
    }
    default:
      throw new TypeError(`the double knows no parameter of type 0x${type.toString(16)}`);
  }
}

function readNumber(type: number, bytes: Buffer): H2Value {
  if (bytes.length === 0) return null;
  if (type === TYPE.bit) return bytes.readUInt8() !== 0;
  if (type === TYPE.float) return bytes.length === 8 ? bytes.readDoubleLE() : bytes.readFloatLE();
  if (bytes.length < 8) return bytes.readIntLE(0, bytes.length);
  const wide = bytes.readBigInt64LE();
  return Number.isSafeInteger(Number(wide)) ? Number(wide) : String(wide);
}

/** A value of no declared length, in chunks. */
function readChunks(reader: ByteReader): Buffer | null {
  if (reader.u64() === NULL_PLP) return null;
  const chunks: Buffer[] = [];
  for (let length = reader.u32(); length > 0; length = reader.u32()) chunks.push(reader.take(length));
  return Buffer.concat(chunks);
}

/** How one column is described, and how a value of it is written. */
interface Wire {
  readonly type: readonly number[];
  write(writer: ByteWriter, value: H2Value): void;
}

/** By H2's name of the type; all else is text. */
const WIRES: Readonly<Record<string, Wire>> = {
  SMALLINT: integer(2),
  INTEGER: integer(4),
  BIGINT: integer(8),
  BOOLEAN: {
    type: [TYPE.bit, 1],
    write: (writer, value) => (value === null ? writer.u8(0) : writer.u8(1).u8(Number(value))),
  },
  TIMESTAMP: {
    type: [TYPE.datetime2, 3],
    write: (writer, value) => {
      if (value === null) writer.u8(0);
      else writeDatetime2(writer, String(value));
    },
  },
};

const LONG_TEXT: Wire = {
  type: [TYPE.nvarchar, 0xff, 0xff, ...COLLATION],
  write(writer, value) {
    if (value === null) {
      writer.i64(-1n);
      return;
    }
    const bytes = Buffer.from(String(value), "utf16le");
    writer.i64(BigInt(bytes.length));
    if (bytes.length > 0) writer.u32(bytes.length).bytes(bytes);
    writer.u32(0);
  },
};

const TEXT: Wire = {
  type: [TYPE.nvarchar, 0x40, 0x1f, ...COLLATION],
  write(writer, value) {
    if (value === null) {
      writer.u16(NULL_LENGTH);
      return;
    }
    const bytes = Buffer.from(String(value), "utf16le");
    writer.u16(bytes.length).bytes(bytes);
  },
};

function integer(size: 2 | 4 | 8): Wire {
  return {
    type: [TYPE.int, size],
    write(writer, value) {
      if (value === null) writer.u8(0);
      else {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(BigInt(String(value)));
        writer.u8(size).bytes(bytes.subarray(0, size));
      }
    },
  };
}

const FIRST_DAY = Date.parse("0001-01-01T00:00:00Z");
const DAY_MS = 86_400_000;

/** Milliseconds of the day in four bytes, days since the year 1 in three. */
function writeDatetime2(writer: ByteWriter, text: string): void {
  const since = Date.parse(`${text}${text.endsWith("Z") ? "" : "Z"}`) - FIRST_DAY;
  const day = Math.floor(since / DAY_MS);
  writer
    .u8(7)
    .u32(since - day * DAY_MS)
    .bytes([day & 0xff, (day >> 8) & 0xff, day >> 16]);
}

/** Characters that a text of declared length may have. */
const LONGEST = 4_000;

const wireOf = ({ type, precision }: H2Column): Wire => WIRES[type] ?? (precision > LONGEST ? LONG_TEXT : TEXT);

/** COLMETADATA and a ROW for each. */
export function writeRows(
  writer: ByteWriter,
  columns: readonly H2Column[],
  rows: readonly (readonly H2Value[])[],
): void {
  writer.u8(0x81).u16(columns.length);
  for (const column of columns) {
    writer
      .u32(0)
      .u16(column.nullable ? 0x09 : 0x08)
      .bytes(wireOf(column).type)
      .shortText(column.name);
  }
  for (const row of rows) {
    writer.u8(0xd1);
    columns.forEach((column, at) => wireOf(column).write(writer, row[at] ?? null));
  }
}
