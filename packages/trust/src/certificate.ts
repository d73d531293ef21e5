/** Certificates as they are read: what Node itself makes of the text, in words of ours. */
import { X509Certificate } from "node:crypto";
import { CastellanError, ensureError } from "@castellan/kernel";
import { nodeDomain } from "@castellan/protocol/home";

export interface Certificate {
  /** The subject's common name; of a server its name. Empty: it has none. */
  readonly name: string;
  /** DNS names and addresses by which it may be reached. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  /** SHA-256 of the whole certificate, 64 lower-case hexadecimal digits. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly isAuthority: boolean;
  readonly pem: string;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Every certificate of a text, in order; what else is in it (a key) is passed over. Throws CERTIFICATE_BROKEN when there is none. */
export function readCertificates(text: string, where: string): readonly [Certificate, ...Certificate[]] {
  const [first, ...others] = (text.match(BLOCK) ?? []).map((block) => readCertificate(block, where));
  if (first === undefined) throw broken(where, "it holds no certificate in PEM form");
  return [first, ...others];
}

function readCertificate(block: string, where: string): Certificate {
  try {
    const read = new X509Certificate(block);
    const alternatives = (read.subjectAltName ?? "").split(", ");
    const of = (kind: string): string[] =>
      alternatives.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
    return {
      name: /^CN=(.*)$/m.exec(read.subject)?.[1] ?? "",
      names: of("DNS:"),
      addresses: of("IP Address:"),
      fingerprint: read.fingerprint256.replaceAll(":", "").toLowerCase(),
      notBefore: new Date(read.validFrom),
      notAfter: new Date(read.validTo),
      isAuthority: read.ca,
      pem: `${block}\n`,
    };
  } catch (thrown) {
    throw broken(where, ensureError(thrown).message);
  }
}

const broken = (where: string, why: string): CastellanError =>
  new CastellanError("CERTIFICATE_BROKEN", `${where} cannot be read as a certificate: ${why}`, {
    details: { file: where },
  });

/** Whether `authority` has signed it, whatever the time. */
export function isSignedBy({ pem }: Certificate, authority: Certificate): boolean {
  const [read, by] = [new X509Certificate(pem), new X509Certificate(authority.pem)];
  return authority.isAuthority && read.checkIssued(by) && read.verify(by.publicKey);
}

/** The authority's fingerprint; while one is exchanged for another, that of the one which issues now. Throws CERTIFICATE_BROKEN. */
export const trustRootOf = (caPem: string): string => readCertificates(caPem, "the authority")[0].fingerprint;

/** Fingerprints of all that is believed: a recorded root must be among them. Throws CERTIFICATE_BROKEN. */
export const trustRootsOf = (caPem: string): readonly string[] =>
  readCertificates(caPem, "the authority").map(({ fingerprint }) => fingerprint);

/** The name by which somebody is known in a node, whatever his addresses. */
export const identityOf = (node: string, name: string): string => `${name.toLowerCase()}.${nodeDomain(node)}`;
