/** `castellan cert init|issue|install|renew|rotate`: what changes whom the servers of a node believe. */
import { resolve } from "node:path";
import { recordTrustRoot } from "@castellan/admin";
import { CastellanError, createSystemClock } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { installTrust, TRUST_SETTINGS, trustPaths } from "@castellan/trust";
import { foundAuthority, issuedBy, issueInto, type RotationStep, rotateAuthority } from "@castellan/trust/authority";
import { EXIT } from "../exit-code.ts";
import { shellWord } from "../format/shell-word.ts";
import { readSettings } from "../home.ts";
import { homeOption } from "../home-option.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { type Issued, issueOwn, type OwnIdentity, ownIdentities } from "../own-trust.ts";

export interface CertOptions {
  readonly address?: readonly string[];
  readonly days?: number;
}

export interface IssueOptions extends CertOptions {
  readonly out: string;
  readonly client?: boolean;
}

const clock = createSystemClock();

export const init: Run<[CertOptions]> = async (invocation, options) => {
  const { home, io } = invocation;
  const settings = await readSettings(home, io.hostName);
  const identities = await ownIdentities(settings, io.hostName);
  await foundAuthority(home, settings.node, clock.now());
  const issued = await issueOwn(home, withAddresses(identities, options.address), how(settings, options));
  tell(invocation, issued, [
    `made the authority of node ${settings.node} in ${trustPaths(home).directory}: keep a copy of it where nobody else can read it`,
    ...linesOf(issued),
    ...missingSettings(settings),
  ]);
  return EXIT.done;
};

export const issue: Run<[string, IssueOptions]> = async (invocation, name, options) => {
  const { home, io } = invocation;
  const settings = await readSettings(home, io.hostName);
  const out = resolve(io.cwd, options.out);
  const bearer = options.client === true ? "client" : "server";
  const request = { name, bearer, addresses: options.address ?? null, ...how(settings, options) } as const;
  const certificate = await issueInto(home, out, request);
  const identity = { home: out, name, bearer, addresses: [] } as const;
  const issued = [{ identity, file: out, certificate }];
  tell(invocation, issued, [
    ...linesOf(issued),
    ...(bearer === "server" ? [`carry it to ${name}, there: castellan cert install DIR`] : []),
  ]);
  return EXIT.done;
};

export const install: Run<[string]> = async (invocation, directory) => {
  const { home, io, json } = invocation;
  const { node, server } = await readSettings(home, io.hostName);
  const from = resolve(io.cwd, directory);
  await installTrust(from, home, { node, server, now: clock.now() });
  const to = trustPaths(home).directory;
  if (json) printJson(invocation, { server, directory: to });
  else io.out(`${server} has its certificate in ${to}; remove ${from}\n`);
  return EXIT.done;
};

export const renew: Run<[CertOptions]> = async (invocation, options) => {
  const { home, io } = invocation;
  const settings = await readSettings(home, io.hostName);
  const issued = await issueOwn(home, asIssued(await ownIdentities(settings, io.hostName)), how(settings, options));
  tell(invocation, issued, [...linesOf(issued), ...others(invocation, issued)]);
  return EXIT.done;
};

export const rotate: Run<[RotationStep]> = async (invocation, step) => {
  const { home, io } = invocation;
  const settings = await readSettings(home, io.hostName);
  const identities = asIssued(await ownIdentities(settings, io.hostName));
  await rotateAuthority(home, step, {
    node: settings.node,
    now: clock.now(),
    forgetting: (kept, forgotten) => recordRoot(invocation, kept, forgotten),
  });
  const issued = await issueOwn(home, identities, how(settings, {}));
  tell(invocation, issued, [
    SAID[step],
    ...linesOf(issued),
    ...others(invocation, issued),
    ...(step === "finish"
      ? []
      : [`then: castellan cert rotate ${step === "begin" ? "switch" : "finish"}${homeOption(io, home)}`]),
  ]);
  return EXIT.done;
};

/**
 * Servers compare the authority with the one on record: before the old one is forgotten, the new one stands there. A node whose bus goes
 * without certificates has another record, which stays.
 */
async function recordRoot(invocation: Invocation, kept: string, forgotten: readonly string[]): Promise<void> {
  const admin = await invocation.openAdmin().catch((thrown: unknown) => {
    if (thrown instanceof CastellanError && thrown.code === "NO_HOME") return null; // no node yet, so no record
    throw thrown;
  });
  if (admin !== null) await recordTrustRoot(admin, kept, forgotten);
}

const SAID: Readonly<Record<RotationStep, string>> = {
  begin: "there is a new authority; both are believed",
  switch: "certificates come from the new authority; both are believed",
  finish: "the old authority is forgotten",
};

const how = ({ node }: HomeSettings, { days }: CertOptions) => ({
  node,
  now: clock.now(),
  ...(days !== undefined && { days }),
});

/** Addresses that are given are those of the one server that lives here. */
function withAddresses(identities: readonly OwnIdentity[], addresses: readonly string[] | undefined) {
  return addresses === undefined ? identities : identities.map((one) => ({ ...one, addresses }));
}

/** What a server is reached by is said by its last certificate: it may have been given by hand. */
const asIssued = (identities: readonly OwnIdentity[]) => identities.map((one) => ({ ...one, addresses: null }));

function tell(invocation: Invocation, issued: readonly Issued[], lines: readonly string[]): void {
  if (!invocation.json) {
    invocation.io.out(`${lines.join("\n")}\n`);
    return;
  }
  const told = issued.map(({ file, certificate: { pem: _pem, ...certificate } }) => ({ file, ...certificate }));
  printJson(invocation, told);
}

const linesOf = (issued: readonly Issued[]): readonly string[] =>
  issued.map(
    ({ identity: { name }, file, certificate: { notAfter } }) =>
      `  ${name.padEnd(12)}  until ${notAfter.toISOString().slice(0, 10)}  ${file}`,
  );

/** Whoever has a certificate of this authority somewhere else. */
function others({ home, io }: Invocation, issued: readonly Issued[]): readonly string[] {
  const here = new Set(issued.map(({ identity }) => identity.name));
  const elsewhere = issuedBy(home).filter(({ name }) => !here.has(name));
  if (elsewhere.length === 0) return [];
  const at = homeOption(io, home);
  return [
    "and for each of the others, then there `castellan cert install DIR`:",
    ...elsewhere.map(({ name }) => `  castellan cert issue ${shellWord(name)}${at} --out DIR`),
  ];
}

function missingSettings({ servers, natsServer }: HomeSettings): readonly string[] {
  if (servers.length > 0 || natsServer?.tls) return [];
  const { ca, cert, key } = TRUST_SETTINGS;
  return ["write into castellan.yaml, below nats:", `  tls: { ca: ${ca}, cert: ${cert}, key: ${key} }`];
}
