/**
 * The certificates that are used in a home: its server's, or, in the home of several servers, that of the person who works there and
 * those of the servers below it.
 */
import type { HomeSettings } from "@castellan/protocol";
import { type Certificate, trustPaths } from "@castellan/trust";
import { type Bearer, issueInto } from "@castellan/trust/authority";
import { readSettings, serverHomes } from "./home.ts";

export interface OwnIdentity {
  readonly home: string;
  readonly name: string;
  readonly bearer: Bearer;
  /** By which others reach it; null: as its last certificate says. */
  readonly addresses: readonly string[] | null;
}

/** Who works in a home of several servers: he may come in, and cannot pass for a server. */
export const OPERATOR = "operator";

export async function ownIdentities(settings: HomeSettings, hostName: string): Promise<readonly OwnIdentity[]> {
  const { home, servers } = settings;
  if (servers.length === 0) return [serverIdentity(settings, hostName)];
  const below = await Promise.all(serverHomes(settings).map((one) => readSettings(one, hostName)));
  const operator = { home, name: OPERATOR, bearer: "client", addresses: [] } as const;
  return [operator, ...below.map((one) => serverIdentity(one, hostName))];
}

function serverIdentity({ home, server, natsServer }: HomeSettings, hostName: string): OwnIdentity {
  const listens =
    natsServer === null ? [] : [natsServer.listen, ...(natsServer.cluster ? [natsServer.cluster.listen] : [])];
  const hosts = listens.map(({ host }) => host.replace(/^\[|\]$/g, ""));
  return { home, name: server, bearer: "server", addresses: [...new Set(hosts.length === 0 ? [hostName] : hosts)] };
}

export interface Issued {
  readonly identity: OwnIdentity;
  readonly file: string;
  readonly certificate: Certificate;
}

/** A certificate for each, from the authority in `home`, in the places where they are used. */
export async function issueOwn(
  home: string,
  identities: readonly OwnIdentity[],
  how: { readonly node: string; readonly days?: number; readonly now: Date },
): Promise<readonly Issued[]> {
  const issued: Issued[] = [];
  for (const identity of identities) {
    const { directory, identity: file } = trustPaths(identity.home);
    const { name, bearer, addresses } = identity;
    issued.push({ identity, file, certificate: await issueInto(home, directory, { name, bearer, addresses, ...how }) });
  }
  return issued;
}
