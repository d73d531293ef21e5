/**
 * What the facts about a server mean, and what to do about them. Pure; a table of checks, each of which always answers, so
 * that a person sees what was looked at and not only what is wrong.
 */
import {
  checkCertificate,
  checkDisks,
  checkErrorFiles,
  checkHome,
  checkLimits,
  checkNode,
  checkSecrets,
  checkSentinel,
  checkSettings,
  checkTools,
} from "./diagnose-host.ts";
import { checkBus, checkClock, checkDatabase, checkJetStream, checkReleases, checkSchema } from "./diagnose-shared.ts";
import type { DiagnosedFacts } from "./diagnosed-facts.ts";
import type { Answer, Finding } from "./finding.ts";

type Check = (facts: DiagnosedFacts) => Answer;

const CHECKS: readonly (readonly [check: string, look: Check])[] = [
  ["Node.js", checkNode],
  ["limits", checkLimits],
  ["util-linux", checkTools],
  ["home", checkHome],
  ["settings", checkSettings],
  ["secrets", checkSecrets],
  ["certificate", checkCertificate],
  ["database", checkDatabase],
  ["schema", checkSchema],
  ["release", checkReleases],
  ["bus", checkBus],
  ["JetStream", checkJetStream],
  ["clock", checkClock],
  ["sentinel", checkSentinel],
  ["disks", checkDisks],
  ["error files", checkErrorFiles],
];

/** Every check, in the order in which to mend things. */
export function diagnose(facts: DiagnosedFacts): readonly Finding[] {
  return CHECKS.map(([check, look]) => ({ check, ...look(facts) }));
}
