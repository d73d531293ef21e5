/** What the files of a connection are, found out by looking. No judgement, and nothing of a key in it. */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { ensureError, readSmallFileSync, systemCode } from "@castellan/kernel";
import { type Certificate, isSignedBy, readCertificates } from "./certificate.ts";
import type { TrustFiles } from "./paths.ts";

export type Found<T> = { readonly kind: "found"; readonly value: T } | Problem;
type Problem =
  | { readonly kind: "missing"; readonly path: string; readonly reason: string }
  | { readonly kind: "broken"; readonly path: string; readonly reason: string };

export interface TrustFacts {
  readonly files: TrustFiles;
  readonly authorities: Found<readonly Certificate[]>;
  readonly certificate: Found<Certificate>;
  /** `isOpen`: others than its owner can read the file. */
  readonly key: Found<{ readonly isOpen: boolean; readonly fits: boolean }>;
  /** The authority that has signed the certificate; null: none of those that are believed. */
  readonly signer: Certificate | null;
}

/** Never throws for what it finds. */
export function examineTrust(files: TrustFiles): TrustFacts {
  const authorities = look(files.ca, (text) => readCertificates(text, files.ca));
  const certificate = look(files.certificate, (text) => readCertificates(text, files.certificate)[0]);
  const key = look(files.key, (text) => ({
    isOpen: (statSync(files.key).mode & 0o077) !== 0,
    fits: certificate.kind === "found" && fits(text, certificate.value),
  }));
  const signer =
    authorities.kind === "found" && certificate.kind === "found"
      ? (authorities.value.find((authority) => isSignedBy(certificate.value, authority)) ?? null)
      : null;
  return { files, authorities, certificate, key, signer };
}

/** Certificates and keys are a few kilobytes. */
const MAX_FILE_BYTES = 1024 * 1024;

export function readTrustFile(path: string): string {
  return readSmallFileSync(path, MAX_FILE_BYTES).toString("utf8");
}

function look<T>(path: string, read: (text: string) => T): Found<T> {
  let text: string;
  try {
    text = readTrustFile(path);
  } catch (thrown) {
    return { kind: "missing", path, reason: REASONS[systemCode(thrown) ?? ""] ?? ensureError(thrown).message };
  }
  try {
    return { kind: "found", value: read(text) };
  } catch (thrown) {
    return { kind: "broken", path, reason: ensureError(thrown).message };
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it is not there",
  EACCES: "permission is denied",
};

function fits(keyText: string, { pem }: Certificate): boolean {
  const ours = createPublicKey(createPrivateKey(keyText)).export({ type: "spki", format: "der" });
  return ours.equals(new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" }));
}
