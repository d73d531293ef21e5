/** Messages over packets: eight bytes of header each, the last one marked. */
import type { Socket } from "node:net";

export const MESSAGE = { batch: 1, rpc: 3, attention: 6, transaction: 14, login: 16, prelogin: 18, answer: 4 } as const;

export interface Message {
  readonly type: number;
  readonly bytes: Buffer;
}

const HEADER = 8;
const LAST = 0x01;
/** The client may ask for another size; every size up to this one is understood. */
export const PACKET_SIZE = 4096;

/** Calls `take` with each whole message. */
export function readMessages(socket: Socket, take: (message: Message) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  let parts: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER) {
      const length = rest.readUInt16BE(2);
      if (rest.length < length) return;
      parts.push(rest.subarray(HEADER, length));
      const [type, status] = [rest.readUInt8(0), rest.readUInt8(1)];
      rest = rest.subarray(length);
      if ((status & LAST) === 0) continue;
      const bytes = Buffer.concat(parts);
      parts = [];
      take({ type, bytes });
    }
  });
}

export function writeMessage(socket: Socket, bytes: Buffer): void {
  const room = PACKET_SIZE - HEADER;
  let number = 1;
  for (let from = 0; from === 0 || from < bytes.length; from += room) {
    const part = bytes.subarray(from, from + room);
    const header = Buffer.alloc(HEADER);
    header.writeUInt8(MESSAGE.answer, 0);
    header.writeUInt8(from + room >= bytes.length ? LAST : 0, 1);
    header.writeUInt16BE(part.length + HEADER, 2);
    header.writeUInt8(number % 256, 6);
    socket.write(Buffer.concat([header, part]));
    number += 1;
  }
}
