/** `castellan doctor`: looks at everything that the servers of a home need, whether the node is up or down, and says what to do. */
import { diagnose, type Finding } from "@castellan/admin";
import { examineServer } from "@castellan/daemon/doctor";
import { ConfigError } from "@castellan/kernel/config";
import { EXIT } from "../exit-code.ts";
import { formatFindings } from "../format/findings.ts";
import { createStyle } from "../format/style.ts";
import { readSettings, serverHomes, serversBelow } from "../home.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";

export const run: Run = async (invocation) => {
  const { io, json } = invocation;
  const style = createStyle(io.outColour);
  const checks: (Finding & { readonly server?: string })[] = [];
  const names = await serversOf(invocation);
  for (const { home, server } of names) {
    const facts = await examineServer({ home, hostName: io.hostName, environment: io.env });
    const findings = diagnose(facts);
    checks.push(...findings.map((finding) => (server === null ? finding : { server, ...finding })));
    if (json) continue;
    if (server !== null) io.out(`${checks.length > findings.length ? "\n" : ""}${style.strong(server)}\n`);
    io.out(formatFindings(findings, style));
  }
  const isWell = checks.every(({ verdict }) => verdict !== "fail");
  if (json) printJson(invocation, { ok: isWell, checks });
  return isWell ? EXIT.done : EXIT.refused;
};

/** `server`: only where there are several. Settings that cannot be read are among what is looked at. */
async function serversOf({ home, io }: Invocation): Promise<readonly { home: string; server: string | null }[]> {
  try {
    const settings = await readSettings(home, io.hostName);
    const names = serversBelow(settings);
    return serverHomes(settings).map((one, i) => ({ home: one, server: names[i] ?? null }));
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return [{ home, server: null }];
  }
}
