/**
 * `castellan upgrade`: brings the schema, and the sentinels of the node, to the release of this program. Each step is planned
 * from what is there (`planUpgrade`), so a run that was broken off is simply run again. Processes are not restarted: a pair
 * ends, the next one adopts what it kept.
 */
import { planUpgrade, type UpgradePlan, type UpgradeStep } from "@castellan/admin";
import { CastellanError, PROGRAM_VERSION } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { homeOption } from "../home-option.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { say } from "../start-node.ts";
import { backupHint, wordsOfBackup } from "../upgrade/backup-hint.ts";
import { lookAtUpgrade, type UpgradeScene } from "../upgrade/scene.ts";
import { perform } from "../upgrade/steps.ts";

export interface UpgradeOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Each server is replaced once and mastership moves once: more rounds than that is a node that does not come to rest. */
const MOST_STEPS = 200;

export const run: Run<[UpgradeOptions]> = async (invocation, { dryRun = false, yes = false }) => {
  const refusals = new Map<string, string>();
  let scene = await lookAtUpgrade(invocation, refusals);
  let plan = planUpgrade(scene.facts);
  if (dryRun) return show(invocation, scene, plan);
  if (plan.steps.some((step) => step.do === "migrate") && !yes) requireBackup(invocation, scene);
  const done: UpgradeStep[] = [];
  for (;;) {
    const [step] = plan.steps;
    if (step === undefined) return finish(invocation, plan, done);
    if (done.length >= MOST_STEPS)
      throw new CastellanError("TIMED_OUT", "the node changes while it is upgraded: run it again");
    say(invocation, `${wordsOf(step)} ...`);
    const refusal = await attempt(invocation, scene, step);
    if (refusal === null) done.push(step);
    else refusals.set(refusal.server, refusal.why);
    scene = await lookAtUpgrade(invocation, refusals);
    plan = planUpgrade(scene.facts);
  }
};

/** One server that cannot does not keep the others from it; what goes wrong here ends the run. */
async function attempt(
  invocation: Invocation,
  scene: UpgradeScene,
  step: UpgradeStep,
): Promise<{ readonly server: string; readonly why: string } | null> {
  try {
    await perform(invocation, scene, step);
    return null;
  } catch (thrown) {
    if (step.do !== "ask" || !(thrown instanceof CastellanError)) throw thrown;
    return { server: step.server, why: thrown.message };
  }
}

function show(invocation: Invocation, scene: UpgradeScene, plan: UpgradePlan): number {
  const { program, schema } = scene.facts;
  if (invocation.json) {
    printJson(invocation, { program, schema, backup: scene.backup, servers: scene.facts.servers, ...plan });
    return EXIT.done;
  }
  say(invocation, `this is release ${program}; nothing is changed`);
  if (plan.steps.some((step) => step.do === "migrate")) say(invocation, wordsOfBackup(scene.backup));
  for (const step of plan.steps) say(invocation, `  ${wordsOf(step)}`);
  say(invocation, left(plan));
  return EXIT.done;
}

/** A server here that has to wait for others is not upgraded, nor one that was asked and has not done it: 1. */
function finish(invocation: Invocation, plan: UpgradePlan, done: readonly UpgradeStep[]): number {
  if (invocation.json) {
    const { elsewhere, waiting } = plan;
    printJson(invocation, { program: PROGRAM_VERSION, done, elsewhere, waiting, complete: elsewhere.length === 0 });
  } else say(invocation, left(plan));
  const isRefused = plan.elsewhere.some(({ refusal }) => refusal !== null);
  return plan.waiting === null && !isRefused ? EXIT.done : EXIT.refused;
}

function left({ steps, elsewhere, waiting }: UpgradePlan): string {
  if (elsewhere.length === 0)
    return steps.length === 0
      ? `every server that runs works with release ${PROGRAM_VERSION}`
      : "then every server is upgraded";
  const names = elsewhere.map(({ server }) => server).join(", ");
  const reasons = elsewhere.flatMap(({ server, refusal }) => (refusal === null ? [] : [`${server}: ${refusal}`]));
  const todo = `left: ${names}: install release ${PROGRAM_VERSION} there and run \`castellan upgrade\` there`;
  const there = [...reasons, todo].join("\n");
  return waiting === null
    ? there
    : `${there}\n${waiting} is master and comes last: run \`castellan upgrade\` here again after that`;
}

function wordsOf(step: UpgradeStep): string {
  switch (step.do) {
    case "migrate":
      return `migrate the schema from version ${step.from} to ${step.to}`;
    case "replace":
      return `replace the sentinel of ${step.server}; its processes run on`;
    case "ask":
      return `have ${step.server} exchange its sentinel; its processes run on`;
  }
}

/** Throws BACKUP_FIRST, unless there is one on record to rely on. A backup by other means is on nobody's record: hence `--yes`. */
function requireBackup(invocation: Invocation, { settings, backup, facts }: UpgradeScene): void {
  const words = wordsOfBackup(backup);
  if (backup !== null && backup.problem === null) {
    say(invocation, words);
    return;
  }
  throw new CastellanError(
    "BACKUP_FIRST",
    [
      `the schema will be migrated, and there is no way back but a backup: ${words}; make one, then say --yes`,
      ...backupHint(settings.database.url, facts.schema.found),
      `castellan upgrade --yes${homeOption(invocation.io, invocation.home)}`,
    ].join("\n"),
    { details: { backup: backup === null ? null : { ...backup, at: backup.at.toISOString() } } },
  );
}
