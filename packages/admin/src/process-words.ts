/** Which process a person means by `[SERVER] TYPE [N]`: the words taken apart. Whether there is one, others say. */
import { CastellanError } from "@castellan/kernel";

export interface ProcessWords {
  /** As it was typed; null: not named. */
  readonly server: string | null;
  readonly type: string;
  readonly instance: number | null;
}

/**
 * A number in the second place is an instance: names of types and servers that are numbers need all three words. Throws
 * USAGE.
 */
export function processWords(words: readonly string[]): ProcessWords {
  const [first = "", second, third] = words;
  if (words.length > 3) {
    throw new CastellanError("USAGE", `"${words.join(" ")}" is too much: write [SERVER] TYPE [INSTANCE]`);
  }
  if (second === undefined) return { server: null, type: first, instance: null };
  if (third !== undefined) return { server: first, type: second, instance: numberOf(third) };
  if (/^\d+$/.test(second)) return { server: null, type: first, instance: numberOf(second) };
  return { server: first, type: second, instance: null };
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new CastellanError("USAGE", `"${text}" is not an instance number: write a number from 1 to 99999`);
}
