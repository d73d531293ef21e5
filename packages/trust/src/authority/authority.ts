/**
 * The home of a node's authority: makes it, lets it issue certificates, exchanges it. What is written is written whole, keys for
 * the owner only; what was issued is kept without its key, so that it can be renewed by its name alone.
 */
import { readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { CastellanError, systemCode } from "@castellan/kernel";
import { nodeDomain } from "@castellan/protocol/home";
import { type Certificate, identityOf, isSignedBy, readCertificates, trustRootOf } from "../certificate.ts";
import { exchangeFiles, type FileToWrite } from "../exchange-files.ts";
import { readTrustFile } from "../facts.ts";
import { pathsIn, type TrustPaths, trustPaths } from "../paths.ts";
import { type Bearer, issueCertificate, type KeyedCertificate, makeAuthority, SERVER_DAYS } from "./certificates.ts";
import { phaseOf, type RotationStep, rotationAct } from "./rotation.ts";

export interface IssueRequest {
  readonly node: string;
  readonly name: string;
  readonly bearer: Bearer;
  /** How others reach it; null: as the last certificate for it says. */
  readonly addresses: readonly string[] | null;
  /** Default `SERVER_DAYS`. */
  readonly days?: number;
  readonly now: Date;
}

/** Makes the node's authority in a home that has none. Rejects with TRUST_FOUND, or the system's error. */
export async function foundAuthority(home: string, node: string, now: Date): Promise<void> {
  const paths = trustPaths(home);
  if (readIfThere(paths.ca) !== null || readIfThere(paths.authority) !== null) {
    throw new CastellanError(
      "TRUST_FOUND",
      `${paths.directory} holds an authority already: \`castellan cert rotate begin\` exchanges it`,
      { details: { directory: paths.directory } },
    );
  }
  const made = await makeAuthority(node, now);
  await exchangeFiles([authorityFile(paths.authority, made), caFile(paths, [made.certificate])]);
}

/** Whether certificates can be issued in this home. */
export const hasAuthority = (home: string): boolean => readIfThere(trustPaths(home).authority) !== null;

/**
 * Issues a certificate and writes it, with whom to believe, into a directory: `etc/trust` of a home, or one to carry there. Answers
 * what it says. Rejects with NO_AUTHORITY, NO_ADDRESSES, or the system's error; then nothing is changed.
 */
export async function issueInto(home: string, directory: string, request: IssueRequest): Promise<Certificate> {
  const { node, name, bearer, days = SERVER_DAYS, now } = request;
  const paths = trustPaths(home);
  const by = readAuthority(paths);
  const addresses = request.addresses ?? addressesOfLast(paths, request);
  const issued = await issueCertificate(by, { node, name, bearer, addresses, days, now });
  const target = pathsIn(directory);
  await exchangeFiles([
    { path: target.ca, text: readTrustFile(paths.ca), isSecret: false },
    { path: target.identity, text: `${issued.certificate}${issued.key}`, isSecret: true },
    { path: issuedFile(paths, name), text: issued.certificate, isSecret: false },
  ]);
  return readCertificates(issued.certificate, name)[0];
}

/** What the authority has issued, the last for each name, in the order of names. */
export function issuedBy(home: string): readonly Certificate[] {
  const paths = trustPaths(home);
  const names = readdirIfThere(paths.issued).filter((name) => name.endsWith(".pem"));
  return names.toSorted().map((name) => readCertificates(readTrustFile(join(paths.issued, name)), name)[0]);
}

interface RotateFor {
  readonly node: string;
  readonly now: Date;
  /** Told, by their fingerprints, just before nothing but `kept` is believed any more; when it rejects, all stays as it is. */
  readonly forgetting?: (kept: string, forgotten: readonly string[]) => Promise<void>;
}

/**
 * One step of the exchange in the authority's home. Afterwards certificates are issued into every other directory anew: with them
 * goes whom to believe. Rejects with NO_AUTHORITY, ROTATION_ORDER, OLD_CERTIFICATES, or the system's error.
 */
export async function rotateAuthority(
  home: string,
  step: RotationStep,
  { node, now, forgetting }: RotateFor,
): Promise<void> {
  const paths = trustPaths(home);
  const current = readAuthority(paths);
  const next = readIfThere(paths.nextAuthority);
  const believed = readCertificates(readTrustFile(paths.ca), paths.ca);
  const act = rotationAct(step, phaseOf({ hasNext: next !== null, believed: believed.length }));
  switch (act) {
    case "make": {
      const made = await makeAuthority(node, now);
      await exchangeFiles([
        authorityFile(paths.nextAuthority, made),
        caFile(paths, [current.certificate, made.certificate]),
      ]);
      break;
    }
    case "take-over": {
      const taken = keyed(next ?? "", paths.nextAuthority);
      refuseUntold(home, taken);
      const others = believed.map(({ pem }) => pem).filter((pem) => pem !== taken.certificate);
      await exchangeFiles([caFile(paths, [taken.certificate, ...others]), authorityFile(paths.authority, taken)]);
      rmSync(paths.nextAuthority); // last: whoever is cut short before takes this step again
      break;
    }
    case "forget":
      refuseOldCertificates(home, current);
      await forgetting?.(
        trustRootOf(current.certificate),
        believed.filter(({ pem }) => pem !== current.certificate).map(({ fingerprint }) => fingerprint),
      );
      await exchangeFiles([caFile(paths, [current.certificate])]);
      break;
    case "issue":
    case "nothing":
      break;
  }
}

/** Whoever is shown to have nothing but a certificate of the old authority would be turned away. */
function refuseOldCertificates(home: string, { certificate }: KeyedCertificate): void {
  const [authority] = readCertificates(certificate, "the authority");
  refuseFor(
    home,
    issuedBy(home).filter((issued) => !isSignedBy(issued, authority)),
    "would be turned away",
  );
}

/** With a certificate goes whom to believe: whoever has none since the next authority was made turns its servers away. */
function refuseUntold(home: string, { certificate }: KeyedCertificate): void {
  const [{ notBefore }] = readCertificates(certificate, "the next authority");
  refuseFor(
    home,
    issuedBy(home).filter((issued) => issued.notBefore < notBefore),
    "would not believe the new authority",
  );
}

function refuseFor(home: string, old: readonly Certificate[], why: string): void {
  if (old.length === 0) return;
  const names = old.map(({ name }) => name);
  const { issued } = trustPaths(home);
  throw new CastellanError(
    "OLD_CERTIFICATES",
    `${names.join(", ")} ${why}: issue ${names.length === 1 ? "it a new certificate" : "them new certificates"} and install ${names.length === 1 ? "it" : "them"} first ` +
      `(of a server that is no more: remove its file from ${issued})`,
    { details: { names } },
  );
}

function addressesOfLast(paths: TrustPaths, { node, name, bearer }: IssueRequest): readonly string[] {
  const last = readIfThere(issuedFile(paths, name));
  if (last === null) {
    if (bearer === "client") return [];
    throw new CastellanError(
      "NO_ADDRESSES",
      `${name} has no certificate yet: say with --address how the others reach it (a host name or an IP address)`,
      { details: { name } },
    );
  }
  const [{ names, addresses }] = readCertificates(last, name);
  const given: readonly string[] = [identityOf(node, name), nodeDomain(node)];
  return [...names.filter((known) => !given.includes(known)), ...addresses];
}

function readAuthority(paths: TrustPaths): KeyedCertificate {
  const text = readIfThere(paths.authority);
  if (text !== null) return keyed(text, paths.authority);
  throw new CastellanError(
    "NO_AUTHORITY",
    `the node's authority is not in ${paths.directory}: go to the home where it is, or make one with \`castellan cert init\``,
    { details: { directory: paths.directory } },
  );
}

function keyed(text: string, where: string): KeyedCertificate {
  const [{ pem }] = readCertificates(text, where);
  return { certificate: pem, key: text.replace(pem, "") };
}

const issuedFile = (paths: TrustPaths, name: string): string => join(paths.issued, `${basename(name)}.pem`);
const authorityFile = (path: string, { certificate, key }: KeyedCertificate): FileToWrite => ({
  path,
  text: `${certificate}${key}`,
  isSecret: true,
});
const caFile = ({ ca }: TrustPaths, certificates: readonly string[]): FileToWrite => ({
  path: ca,
  text: certificates.join(""),
  isSecret: false,
});

function readIfThere(path: string): string | null {
  try {
    return readTrustFile(path);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

function readdirIfThere(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return [];
    throw thrown;
  }
}
