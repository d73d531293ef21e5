/** The certificate by which a server is known on its bus, as a diagnosis sees it. */
import type { HomeSettings } from "@castellan/protocol/home";
import { examineTrust, judgeTrust, type TrustProblem } from "@castellan/trust";
import { trustFilesOf } from "../bus/trust-watch.ts";

export type CertificateFacts =
  | { readonly kind: "none" /** Other servers come to its bus. */; readonly isShared: boolean }
  | {
      readonly kind: "used";
      readonly file: string;
      /** Null: it cannot be read. */
      readonly until: Date | null;
      readonly problems: readonly Pick<TrustProblem, "isFatal" | "message" | "remedy">[];
    };

export function examineCertificate(settings: Pick<HomeSettings, "natsServer">, now: Date): CertificateFacts {
  const files = trustFilesOf(settings);
  if (files === null) return { kind: "none", isShared: (settings.natsServer?.cluster ?? null) !== null };
  const facts = examineTrust(files);
  const { certificate } = facts;
  const until = certificate.kind === "found" ? certificate.value.notAfter : null;
  return { kind: "used", file: files.certificate, until, problems: judgeTrust(facts, now) };
}
