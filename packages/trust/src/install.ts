/** A certificate that was issued on another host comes into a home. */
import { CastellanError } from "@castellan/kernel";
import { identityOf, trustRootsOf } from "./certificate.ts";
import { exchangeFiles } from "./exchange-files.ts";
import { examineTrust, readTrustFile } from "./facts.ts";
import { requireTrust } from "./judge.ts";
import { pathsIn, trustPaths } from "./paths.ts";

export interface InstallFor {
  readonly node: string;
  readonly server: string;
  readonly now: Date;
}

/** Whether a directory that `castellan cert issue` has written is whole, valid now, and for this server. Throws what `requireTrust` throws, CERTIFICATE_OTHER. */
export function requireInstallable(from: string, { node, server, now }: InstallFor): void {
  const given = pathsIn(from);
  const files = { ca: given.ca, certificate: given.identity, key: given.identity };
  requireTrust(files, now);
  const { certificate } = examineTrust(files);
  const names = certificate.kind === "found" ? certificate.value.names : [];
  const wanted = identityOf(node, server);
  if (!names.includes(wanted)) {
    throw new CastellanError(
      "CERTIFICATE_OTHER",
      `${given.identity} is for ${names.join(", ")}, not for ${wanted}: \`castellan cert issue ${server} --out DIR\` makes the right one`,
      { details: { names, wanted } },
    );
  }
}

/** Whom a directory that is carried to another host believes, by fingerprint. Throws CERTIFICATE_BROKEN, or the system's error. */
export const readTrustRoots = (from: string): readonly string[] => trustRootsOf(readTrustFile(pathsIn(from).ca));

/** Copies such a directory into `home`. Nothing is changed otherwise: rejects with what `requireInstallable` throws, or the system's error. */
export async function installTrust(from: string, home: string, request: InstallFor): Promise<void> {
  requireInstallable(from, request);
  const [given, own] = [pathsIn(from), trustPaths(home)];
  // Whom to believe first: with the new certificate alone the home would believe nobody.
  await exchangeFiles([
    { path: own.ca, text: readTrustFile(given.ca), isSecret: false },
    { path: own.identity, text: readTrustFile(given.identity), isSecret: true },
  ]);
}
