/** The words of `swadm` as they are typed. */
import { CastellanError } from "@castellan/kernel";
import { Instance, parseName, type TypeName, TypeName as TypeNameSchema } from "@castellan/protocol";

/** `Y` or `N`, in any case. Throws USAGE. */
export function flagOf(what: string, text: string): boolean {
  const word = text.toUpperCase();
  if (word === "Y" || word === "N") return word === "Y";
  throw new CastellanError("USAGE", `${what} is Y or N, not "${text}"`);
}

/** Throws BAD_NAME. */
export const typeOf = (text: string): TypeName => parseName(TypeNameSchema, text);

/** Throws USAGE. */
export function instanceOf(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (Instance.safeParse(number).success) return number;
  throw new CastellanError("USAGE", `"${text}" is not an instance number: write a number from 1 to 99999`);
}
