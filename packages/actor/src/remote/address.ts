/** Public names: three lower-case tokens. */
import { CastellanError } from "@castellan/kernel";
import type { Address } from "../transport/transport.ts";

const TOKEN = /^[a-z0-9_-]{1,128}$/;

export const pathOf = ({ host, actor, key }: Address): string => `${host}/${actor}/${key}`;

/** Throws BAD_ADDRESS for what is no address. */
export function checkAddress(address: Address): void {
  for (const token of [address.host, address.actor, address.key]) {
    if (TOKEN.test(token)) continue;
    throw new CastellanError("BAD_ADDRESS", `"${token}" in ${pathOf(address)}: use a-z, 0-9, - and _`);
  }
}
