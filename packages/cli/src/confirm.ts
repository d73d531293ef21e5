/** Before something that cannot be taken back, a person types a word; a program says `--yes`. */
import { CastellanError } from "@castellan/kernel";
import type { Io } from "./io.ts";

/** Throws NOT_CONFIRMED when there is nobody to ask, or the answer is another word. */
export async function confirm({ ask }: Pick<Io, "ask">, what: string, word: string): Promise<void> {
  const answer = ask === null ? null : await ask(`This ${what}. Type ${word} to go on: `);
  if (answer === word) return;
  throw new CastellanError(
    "NOT_CONFIRMED",
    answer === null ? `this ${what}: say --yes if you mean it` : "nothing was done: that was another word",
  );
}
