/**
 * What can be found out about a server by looking: facts, no judgement. Looks whether the node is up or down, changes
 * nothing, and every look has a deadline. What a fact means to whom is `@castellan/admin`'s to say.
 */
import { CastellanError, type Clock, createSystemClock, ensureError, PROGRAM_VERSION } from "@castellan/kernel";
import { resolveHomeConfig } from "@castellan/protocol/home";
import { DEFAULT_PATTERNS, type DiskSurvey, listErrorFiles, surveyDisks } from "@castellan/sentinel";
import { homePaths } from "../home-paths.ts";
import { type PairState, pairState } from "../pair/bring-up.ts";
import { readSettings } from "../settings.ts";
import { type BusFacts, examineBus } from "./bus-facts.ts";
import { type DatabaseFacts, examineDatabase } from "./database-facts.ts";
import { examineHome, examineSecrets, type HomeFacts, type SecretFile } from "./home-facts.ts";
import { examineLimits, type LimitFacts } from "./limit-facts.ts";
import { examineTools, type ToolFacts } from "./tool-facts.ts";
import { type CertificateFacts, examineCertificate } from "./trust-facts.ts";

export interface ServerFacts {
  /** Of this program. */
  readonly release: string;
  readonly node: { readonly version: string; readonly platform: string };
  readonly limits: LimitFacts;
  readonly tools: ToolFacts;
  readonly home: HomeFacts;
  /** What is wrong with `castellan.yaml`; null: nothing. The defaults are examined then. */
  readonly settingsProblem: string | null;
  readonly secrets: readonly SecretFile[];
  readonly certificate: CertificateFacts;
  readonly pair: PairState;
  readonly bus: BusFacts;
  readonly database: DatabaseFacts;
  readonly disks: DiskSurvey;
  readonly errorFiles: { readonly files: number; readonly refused: readonly { path: string; reason: string }[] };
}

export interface Examination {
  readonly home: string;
  readonly hostName: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
}

/** MINFREEKB of a node that says nothing else, bytes. */
const DEFAULT_MINIMUM = 10_000 * 1024;

/** Never rejects for what it finds. */
export async function examineServer(examination: Examination): Promise<ServerFacts> {
  const { home, hostName, environment, clock = createSystemClock() } = examination;
  const paths = homePaths(home);
  const read = settingsOf(home, hostName);
  const { settings } = read;
  const [tools, bus, database, disks, errorFiles] = await Promise.all([
    examineTools(environment),
    examineBus({ settings, paths, environment, clock }),
    examineDatabase(settings, clock),
    surveyDisks(home, clock, DEFAULT_MINIMUM),
    listErrorFiles(home, DEFAULT_PATTERNS),
  ]);
  return {
    release: PROGRAM_VERSION,
    node: { version: process.versions.node, platform: process.platform },
    limits: examineLimits(),
    tools,
    home: examineHome(paths),
    settingsProblem: read.problem,
    secrets: examineSecrets(settings),
    certificate: examineCertificate(settings, clock.now()),
    pair: pairState(paths),
    bus,
    database,
    disks,
    errorFiles: { files: errorFiles.files.length, refused: errorFiles.refused },
  };
}

function settingsOf(home: string, hostName: string) {
  try {
    return { settings: readSettings(homePaths(home), hostName), problem: null };
  } catch (thrown) {
    const problem = thrown instanceof CastellanError ? thrown.message : ensureError(thrown).message;
    return { settings: resolveHomeConfig({}, { home, hostName }), problem };
  }
}
