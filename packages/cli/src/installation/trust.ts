/** The certificates that a server is installed with, from the directory that `castellan cert issue` has written. */
import { createSystemClock } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { installTrust } from "@castellan/trust";

/** Throws what `installTrust` throws: what is not whole, not valid now, or another's changes nothing. */
export async function bringTrust(from: string, { home, node, server }: HomeSettings): Promise<void> {
  await installTrust(from, home, { node, server, now: createSystemClock().now() });
}
