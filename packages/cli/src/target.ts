/** What is meant, as it is typed: `[SERVER [TYPE [INSTANCE]]]`. */
import { CastellanError } from "@castellan/kernel";
import { Instance, parseName, ServerName, type Target, TypeName } from "@castellan/protocol";

/** Throws BAD_NAME or USAGE. */
export function targetOf(server?: string, type?: string, number?: string): Target {
  if (number !== undefined && !(/^\d+$/.test(number) && Instance.safeParse(Number(number)).success)) {
    throw new CastellanError("USAGE", `"${number}" is not an instance number: write a number from 1 to 99999`);
  }
  return {
    ...(server === undefined ? {} : { server: parseName(ServerName, server.toLowerCase()) }),
    ...(type === undefined ? {} : { type: parseName(TypeName, type) }),
    ...(number === undefined ? {} : { instance: Number(number) }),
  };
}
