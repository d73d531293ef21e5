/** `castellan doctor`: looks at everything a server needs, whether the node is up or down, and says what to do. */
import { diagnose } from "@castellan/admin";
import { examineServer } from "@castellan/daemon/doctor";
import { EXIT } from "../exit-code.ts";
import { formatFindings } from "../format/findings.ts";
import { createStyle } from "../format/style.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run = async (invocation) => {
  const { io, home, json } = invocation;
  const facts = await examineServer({ home, hostName: io.hostName, environment: io.env });
  const findings = diagnose(facts);
  const isWell = findings.every(({ verdict }) => verdict !== "fail");
  if (json) printJson(invocation, { ok: isWell, checks: findings });
  else io.out(formatFindings(findings, createStyle(io.outColour)));
  return isWell ? EXIT.done : EXIT.refused;
};
