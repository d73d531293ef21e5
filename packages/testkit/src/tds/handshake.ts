/** The first two messages of a connection: what both can do, and who comes. No TLS: clients must ask for `encrypt=false`. */
import { ByteReader } from "./bytes.ts";

/** Answers a PRELOGIN: this server's version, no encryption, no instance, no MARS. */
export function preloginAnswer(): Buffer {
  const options: readonly (readonly [number, readonly number[]])[] = [
    [0x00, [16, 0, 0x10, 0x00, 0, 0]],
    [0x01, [0x02]],
    [0x02, [0x00]],
    [0x03, []],
    [0x04, [0x00]],
  ];
  let offset = options.length * 5 + 1;
  const heads: number[] = [];
  const bodies: number[] = [];
  for (const [token, body] of options) {
    heads.push(token, offset >> 8, offset & 0xff, 0, body.length);
    bodies.push(...body);
    offset += body.length;
  }
  return Buffer.from([...heads, 0xff, ...bodies]);
}

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly application: string;
  readonly database: string;
}

/** Where LOGIN7's table of offsets has each text: [position, length in characters] of two bytes each. */
const TEXTS = { user: 40, password: 44, application: 48, database: 68 } as const;

export function parseLogin(bytes: Buffer): Login {
  const raw = (at: number): Buffer => {
    const reader = new ByteReader(bytes.subarray(at, at + 4));
    const from = reader.u16();
    return bytes.subarray(from, from + reader.u16() * 2);
  };
  // Each byte of the password is turned around and inverted in part; that hides it from nobody.
  const password = raw(TEXTS.password).map((byte) => {
    const plain = byte ^ 0xa5;
    return ((plain << 4) | (plain >> 4)) & 0xff;
  });
  return {
    user: raw(TEXTS.user).toString("utf16le"),
    password: Buffer.from(password).toString("utf16le"),
    application: raw(TEXTS.application).toString("utf16le"),
    database: raw(TEXTS.database).toString("utf16le"),
  };
}
