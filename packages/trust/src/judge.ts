/**
 * Whether a connection can be made with what was found, and what to do if not. Pure; a table of checks in the order in which to
 * mend things.
 */
import { CastellanError } from "@castellan/kernel";
import { examineTrust, type Found, type TrustFacts } from "./facts.ts";
import type { TrustFiles } from "./paths.ts";

export interface TrustProblem {
  readonly code:
    | "CERTIFICATE_MISSING"
    | "CERTIFICATE_BROKEN"
    | "KEY_OPEN"
    | "KEY_WRONG"
    | "CERTIFICATE_FOREIGN"
    | "CERTIFICATE_EARLY"
    | "CERTIFICATE_EXPIRED"
    | "CERTIFICATE_ENDS";
  /** False: everything works still. */
  readonly isFatal: boolean;
  readonly message: string;
  readonly remedy: string;
}

/** So long before its end a certificate is spoken of, days. */
export const WARN_DAYS = 30;
const DAY_MS = 86_400_000;

const NEW_ONE =
  "where the node's authority is: `castellan cert renew`, or for another host `castellan cert issue SERVER --out DIR`, then here `castellan cert install DIR`";

type Check = (facts: TrustFacts, now: Date) => TrustProblem | null;

const CHECKS: readonly Check[] = [
  ({ authorities }) => unreadable(authorities, "the node's authority"),
  ({ certificate }) => unreadable(certificate, "the certificate"),
  ({ key }) => unreadable(key, "the key"),
  ({ key, files }) =>
    key.kind === "found" && key.value.isOpen
      ? fatal("KEY_OPEN", `others can read the key in ${files.key}`, `chmod 600 ${files.key}`)
      : null,
  ({ key, certificate, files }) =>
    key.kind === "found" && certificate.kind === "found" && !key.value.fits
      ? fatal("KEY_WRONG", `the key in ${files.key} is not that of the certificate in ${files.certificate}`, NEW_ONE)
      : null,
  ({ authorities, certificate, signer, files }) =>
    authorities.kind === "found" && certificate.kind === "found" && signer === null
      ? fatal("CERTIFICATE_FOREIGN", `${files.certificate} was not issued by an authority in ${files.ca}`, NEW_ONE)
      : null,
  (facts, now) => earliest(facts, now),
  (facts, now) => latest(facts, now),
];

/** Empty: all is well. */
export function judgeTrust(facts: TrustFacts, now: Date): readonly TrustProblem[] {
  return CHECKS.map((check) => check(facts, now)).filter((problem) => problem !== null);
}

/** Throws the first thing that keeps a connection from being made. Reads the files. */
export function requireTrust(files: TrustFiles, now: Date): void {
  const problem = judgeTrust(examineTrust(files), now).find(({ isFatal }) => isFatal);
  if (problem === undefined) return;
  const { code, message, remedy } = problem;
  throw new CastellanError(code, `${message}: ${remedy}`, { details: { ...files } });
}

function fatal(code: TrustProblem["code"], message: string, remedy: string): TrustProblem {
  return { code, isFatal: true, message, remedy };
}

function unreadable(found: Found<unknown>, what: string): TrustProblem | null {
  if (found.kind === "found") return null;
  const code = found.kind === "missing" ? "CERTIFICATE_MISSING" : "CERTIFICATE_BROKEN";
  return fatal(code, `${what} cannot be read from ${found.path}: ${found.reason}`, NEW_ONE);
}

/** A certificate is worth nothing without its authority. */
function lifetimes({ certificate, signer, files }: TrustFacts) {
  const own =
    certificate.kind === "found" ? [{ what: `the certificate in ${files.certificate}`, ...certificate.value }] : [];
  return signer === null ? own : [...own, { what: `the authority in ${files.ca}`, ...signer }];
}

function earliest(facts: TrustFacts, now: Date): TrustProblem | null {
  const early = lifetimes(facts).find(({ notBefore }) => notBefore > now);
  if (early === undefined) return null;
  return fatal(
    "CERTIFICATE_EARLY",
    `${early.what} is valid from ${day(early.notBefore)} only`,
    "is this host's clock right (chrony, systemd-timesyncd)?",
  );
}

function latest(facts: TrustFacts, now: Date): TrustProblem | null {
  const [first] = lifetimes(facts).toSorted((a, b) => a.notAfter.getTime() - b.notAfter.getTime());
  if (first === undefined) return null;
  const { what, notAfter, isAuthority } = first;
  const remedy = isAuthority ? "`castellan cert rotate begin` where the node's authority is" : NEW_ONE;
  if (notAfter <= now) return fatal("CERTIFICATE_EXPIRED", `${what} has ended on ${day(notAfter)}`, remedy);
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  if (days >= WARN_DAYS) return null;
  return { code: "CERTIFICATE_ENDS", isFatal: false, message: `${what} ends on ${day(notAfter)}`, remedy };
}

const day = (date: Date): string => date.toISOString().slice(0, 10);
