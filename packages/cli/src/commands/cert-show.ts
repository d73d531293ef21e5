/** `castellan cert show`: whom a home believes, who its servers are and until when, and what is wrong with it. */
import { createSystemClock } from "@castellan/kernel";
import { type Certificate, examineTrust, judgeTrust, trustPaths } from "@castellan/trust";
import { hasAuthority, issuedBy } from "@castellan/trust/authority";
import { EXIT } from "../exit-code.ts";
import { createStyle } from "../format/style.ts";
import { formatTable } from "../format/table.ts";
import { readSettings } from "../home.ts";
import { printJson, type Run } from "../invocation.ts";
import { ownIdentities } from "../own-trust.ts";

interface Row {
  readonly name: string;
  readonly what: "authority" | "own" | "issued";
  readonly file: string;
  readonly certificate: Certificate;
}

export const run: Run = async (invocation) => {
  const { home, io, json } = invocation;
  const settings = await readSettings(home, io.hostName);
  const now = createSystemClock().now();
  const rows: Row[] = [];
  const problems: {
    readonly name: string;
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
  }[] = [];
  for (const { name, home: where } of await ownIdentities(settings, io.hostName)) {
    const { ca, identity } = trustPaths(where);
    const facts = examineTrust({ ca, certificate: identity, key: identity });
    const { authorities, certificate } = facts;
    if (rows.length === 0 && authorities.kind === "found")
      rows.push(
        ...authorities.value.map((one) => ({ name: one.name, what: "authority", file: ca, certificate: one }) as const),
      );
    if (certificate.kind === "found") rows.push({ name, what: "own", file: identity, certificate: certificate.value });
    problems.push(...judgeTrust(facts, now).map(({ code, message, remedy }) => ({ name, code, message, remedy })));
  }
  const own = new Set(rows.map(({ name }) => name));
  const elsewhere = hasAuthority(home) ? issuedBy(home).filter(({ name }) => !own.has(name)) : [];
  rows.push(
    ...elsewhere.map((one) => ({ name: one.name, what: "issued", file: "elsewhere", certificate: one }) as const),
  );
  if (json) {
    const told = rows.map(({ certificate: { pem: _pem, ...certificate }, ...row }) => ({ ...certificate, ...row }));
    printJson(invocation, { hasAuthority: hasAuthority(home), certificates: told, problems });
  } else {
    const lines = rows.map(({ name, what, file, certificate: { notAfter, fingerprint } }) => [
      name,
      what,
      notAfter.toISOString().slice(0, 10),
      fingerprint.slice(0, 16),
      file,
    ]);
    const style = createStyle(io.outColour);
    if (lines.length > 0)
      io.out(formatTable(["NAME", "WHAT", "UNTIL", "FINGERPRINT", "FILE"], lines, { columns: io.columns }));
    for (const { name, message, remedy } of problems) io.out(`${name}: ${message}\n  ${style.faint(remedy)}\n`);
  }
  return problems.length === 0 ? EXIT.done : EXIT.refused;
};
