/**
 * Makes certificates. Everything that is a choice is here: P-256, random serial numbers, an authority that may sign servers and no
 * further authority, servers that are client and server to each other.
 */
import "reflect-metadata"; // the library's parts find each other by it
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { nodeDomain } from "@castellan/protocol/home";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { identityOf } from "../certificate.ts";

/** A certificate and its key, PEM. The key is a secret: it goes into files for the owner only, and nowhere else. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** A server is also a client of the others. Whoever is a client only cannot pass for a server. */
export type Bearer = "server" | "client";

export interface CertificateRequest {
  readonly node: string;
  /** Of the server, or whoever else is let in: `operator`. */
  readonly name: string;
  readonly bearer: Bearer;
  /** Host names and IP addresses by which others reach it. */
  readonly addresses: readonly string[];
  /** How long it is valid. */
  readonly days: number;
  readonly now: Date;
}

export const AUTHORITY_DAYS = 3653;
export const SERVER_DAYS = 365;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
/** Clocks differ: it is valid for hosts that are behind, too. */
const EARLIER_MS = 3_600_000;

cryptoProvider.set(webcrypto);

export async function makeAuthority(node: string, now: Date): Promise<KeyedCertificate> {
  const keys = await makeKeys();
  // Two of one node differ in name: while one is exchanged for the other, nobody confuses them.
  const name = `castellan ${node} ${randomBytes(4).toString("hex")}`;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(now, AUTHORITY_DAYS),
    serialNumber: serialNumber(),
    name: new Name([{ CN: [name] }]),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: keyText(keys.privateKey) };
}

/** It ends with its authority at the latest. */
export async function issueCertificate(by: KeyedCertificate, request: CertificateRequest): Promise<KeyedCertificate> {
  const { name, bearer, addresses, days, now } = request;
  const keys = await makeKeys();
  const authority = new X509Certificate(by.certificate);
  const { notBefore, notAfter } = validity(now, days);
  const certificate = await X509CertificateGenerator.create({
    notBefore,
    notAfter: notAfter < authority.notAfter ? notAfter : authority.notAfter,
    serialNumber: serialNumber(),
    subject: new Name([{ CN: [name] }]),
    issuer: authority.subjectName,
    publicKey: keys.publicKey,
    signingKey: await signingKey(by.key),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(USAGES[bearer]),
      new SubjectAlternativeNameExtension([...namesOf(request), ...addresses].map(generalName)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: keyText(keys.privateKey) };
}

const USAGES = {
  server: [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth],
  client: [ExtendedKeyUsage.clientAuth],
} as const;

/** Who it is, and of a server, of which node: by that the others ask for it. */
const namesOf = ({ node, name, bearer }: Pick<CertificateRequest, "node" | "name" | "bearer">): readonly string[] =>
  bearer === "server" ? [identityOf(node, name), nodeDomain(node)] : [identityOf(node, name)];

const makeKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

function signingKey(pem: string) {
  const key = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", key, ALGORITHM, false, ["sign"]);
}

const keyText = (key: webcrypto.CryptoKey): string =>
  KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString();

const pemOf = (certificate: X509Certificate): string => `${certificate.toString("pem").trimEnd()}\n`;

const validity = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - EARLIER_MS),
  notAfter: new Date(now.getTime() + days * DAY_MS),
});

/** 127 random bits, positive, without a leading zero. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function generalName(address: string): JsonGeneralName {
  const value = address.replace(/^\[|\]$/g, "");
  return { type: isIP(value) === 0 ? "dns" : "ip", value };
}
