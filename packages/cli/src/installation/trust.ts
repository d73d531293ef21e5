/**
 * The certificates that a server is installed with, from the directory that `castellan cert issue` has written: judged before anything is
 * written anywhere, copied when nothing else can refuse the server any more. The first server of a cluster makes its own.
 */
import { CastellanError, createSystemClock } from "@castellan/kernel";
import type { HomeConfig, HomeSettings } from "@castellan/protocol";
import { installTrust, readTrustRoots, requireInstallable, TRUST_SETTINGS, trustPaths } from "@castellan/trust";

const whose = ({ node, server }: HomeSettings) => ({ node, server, now: createSystemClock().now() });

/** Whom such a directory believes. Throws what `requireInstallable` throws: what is not whole, not valid now, or another's. */
export function trustRootsIn(from: string, settings: HomeSettings): readonly string[] {
  requireInstallable(from, whose(settings));
  return readTrustRoots(from);
}

/** Throws what `installTrust` throws; then nothing is changed. */
export async function bringTrust(from: string, settings: HomeSettings): Promise<void> {
  await installTrust(from, settings.home, whose(settings));
}

/** The authority of a new node, and its first server's certificate. An attempt that was cut short may have made the one without the other. */
export async function foundTrust(settings: HomeSettings, hostName: string): Promise<void> {
  const { foundAuthority, hasAuthority } = await import("@castellan/trust/authority");
  const { issueOwn, ownIdentities } = await import("../own-trust.ts");
  const { home, node } = settings;
  const now = createSystemClock().now();
  if (!hasAuthority(home)) await foundAuthority(home, node, now);
  await issueOwn(home, await ownIdentities(settings, hostName), { node, now });
}

/** Whom a home believes that holds the authority by which its node goes, as `uninstall` has left it: it issues its own certificate. Null: it holds none. */
export async function keptTrustRoots(home: string, recorded: string | undefined): Promise<readonly string[] | null> {
  const { hasAuthority } = await import("@castellan/trust/authority");
  if (recorded === undefined || !hasAuthority(home)) return null;
  const roots = readTrustRoots(trustPaths(home).directory);
  return roots.includes(recorded) ? roots : null;
}

/** The settings of a server that shows its certificate. Throws BUS_NOT_SAID: one whose bus is on loopback shows it to nobody. */
export function securedBus(config: HomeConfig): HomeConfig {
  if (config.nats === undefined) {
    throw new CastellanError(
      "BUS_NOT_SAID",
      "certificates are for a bus that others reach: say with --trust where that is, --listen HOST:4222 --cluster HOST:6222",
    );
  }
  return { ...config, nats: { ...config.nats, tls: TRUST_SETTINGS } };
}
