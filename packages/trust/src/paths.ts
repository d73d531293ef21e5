/** Where what a home trusts, and what it shows of itself, is: `etc/trust`. */
import { join } from "node:path";

/** The three files that a connection needs; `certificate` and `key` may be one file. Absolute. */
export interface TrustFiles {
  /** Whom to believe: certificates of authorities. */
  readonly ca: string;
  /** What is shown to others. */
  readonly certificate: string;
  readonly key: string;
}

export interface TrustPaths {
  readonly directory: string;
  /** All authorities that are believed: one, or two while one is exchanged for another. No secret. */
  readonly ca: string;
  /** This server's certificate and its key in one file, so that both are exchanged by one rename. */
  readonly identity: string;
  /** The authority's certificate and its key; only in the home that issues certificates. */
  readonly authority: string;
  /** The authority that is to come. */
  readonly nextAuthority: string;
  /** A certificate (without its key) for each name that the authority has issued one to. */
  readonly issued: string;
}

export function trustPaths(home: string): TrustPaths {
  return pathsIn(join(home, "etc", "trust"));
}

/** The same names in a directory that is carried to another host. */
export function pathsIn(directory: string): TrustPaths {
  return {
    directory,
    ca: join(directory, "ca.pem"),
    identity: join(directory, "server.pem"),
    authority: join(directory, "authority.pem"),
    nextAuthority: join(directory, "authority.next.pem"),
    issued: join(directory, "issued"),
  };
}

/** As they stand in a `castellan.yaml`, meant from the home. */
export const TRUST_SETTINGS = {
  ca: "etc/trust/ca.pem",
  cert: "etc/trust/server.pem",
  key: "etc/trust/server.pem",
} as const;
