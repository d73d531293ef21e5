/** Little-endian bytes in and out, and the length-prefixed UTF-16 texts of TDS. */

/** Reads one message from front to back. A message that ends too early throws `RangeError`. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError("a TDS message ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  u8 = (): number => this.take(1).readUInt8();
  u16 = (): number => this.take(2).readUInt16LE();
  u32 = (): number => this.take(4).readUInt32LE();
  u64 = (): bigint => this.take(8).readBigUInt64LE();
  text = (characters: number): string => this.take(characters * 2).toString("utf16le");
  /** One byte of length, in characters. */
  shortText = (): string => this.text(this.u8());
}

/** Collects the parts of a message. */
export class ByteWriter {
  readonly #parts: Buffer[] = [];

  bytes(...bytes: (Uint8Array | readonly number[])[]): this {
    for (const part of bytes) this.#parts.push(Buffer.from(part));
    return this;
  }

  u8(value: number): this {
    return this.bytes([value]);
  }

  u16(value: number): this {
    return this.bytes([value & 0xff, value >> 8]);
  }

  /** Negative ones too, as two's complement. */
  u32(value: number): this {
    return this.bytes([value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff]);
  }

  i64(value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return this.bytes(bytes);
  }

  /** One byte of length, in characters. */
  shortText(text: string): this {
    return this.u8(text.length).bytes(Buffer.from(text, "utf16le"));
  }

  /** Two bytes of length, in characters. */
  longText(text: string): this {
    return this.u16(text.length).bytes(Buffer.from(text, "utf16le"));
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
