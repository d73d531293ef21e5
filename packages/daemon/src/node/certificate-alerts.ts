/** Alerts about the certificate of this server: one cause, from when somebody is needed until it is in order again. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { type Clock, ensureError, type Logger } from "@castellan/kernel";
import type { AlertSink } from "@castellan/sentinel";
import type { TrustProblem } from "@castellan/trust";
import type { TrustWatch } from "../bus/trust-watch.ts";
import { sentinelAlert } from "./own-alerts.ts";

export interface CertificateAlertsDeps {
  readonly alerts: AlertSink;
  /** Null: there is no certificate, and nothing to say. */
  readonly trust: Pick<TrustWatch, "follow"> | null;
  readonly server: string;
  /** File that is there while an alert is open: the next worker resolves it. */
  readonly marker: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Speaks until the watch is closed. Never throws. */
export function reportCertificates(deps: CertificateAlertsDeps): void {
  const { trust, log } = deps;
  trust?.follow((problem) => {
    report(deps, problem).catch((thrown: unknown) =>
      log.error("the state of the certificate could not be reported", { error: ensureError(thrown) }),
    );
  });
}

async function report(
  { alerts, server, marker, clock }: CertificateAlertsDeps,
  problem: TrustProblem | null,
): Promise<void> {
  const about = { subject: "certificate", generation: "1" } as const;
  if (problem !== null) {
    const severity = problem.isFatal ? "critical" : "warning";
    const summary = `${server}: ${problem.message}: ${problem.remedy}`;
    writeFileSync(marker, `${problem.message}\n`);
    const { code } = problem;
    await alerts.report("raised", sentinelAlert(server, { ...about, summary, severity }, clock.now(), { code }));
    return;
  }
  if (!existsSync(marker)) return;
  const summary = `the certificate of ${server} is in order again`;
  await alerts.report("resolved", sentinelAlert(server, { ...about, summary, severity: "warning" }, clock.now(), {}));
  rmSync(marker, { force: true });
}
