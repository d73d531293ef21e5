/** A plan for people who want to see it before it happens: its steps in waves. Pure. */
import type { PlanPreview } from "@castellan/protocol";
import { describe, type OpenOperation } from "./overlap.ts";
import type { PlannedInstance, PlanStep, SeqRange } from "./plan.ts";

export function previewOf(
  { steps, note }: { readonly steps: readonly PlanStep[]; readonly note: string | null },
  instances: readonly PlannedInstance[],
  superseded: readonly OpenOperation[],
): PlanPreview {
  const statusOf = new Map(instances.map((instance) => [keyOf(instance), instance.status]));
  const waves: PlanPreview["waves"] = [];
  const waveOf = wavesOf(steps);
  for (const step of steps) {
    const { server, type, instance, desired } = step;
    const wave = waveOf.get(step.seq) ?? 0;
    waves[wave] ??= [];
    waves[wave].push({ server, type, instance, desired, status: statusOf.get(keyOf(step)) ?? null });
  }
  return { note, supersedes: superseded.map((operation) => `${describe(operation)} (${operation.id})`), waves };
}

type Keyed = Pick<PlannedInstance, "serverId" | "type" | "instance">;
const keyOf = ({ serverId, type, instance }: Keyed): string => `${serverId}/${type}/${instance}`;

/** The wave of each seq, from 0: one after the last of those that its step waits for. Steps come in the order of their seqs. */
function wavesOf(steps: readonly PlanStep[]): ReadonlyMap<number, number> {
  const waves = new Map<number, number>();
  const afterRange = new Map<string, number>();
  const after = ([first, last]: SeqRange): number => {
    const key = `${first}-${last}`;
    let wave = afterRange.get(key);
    if (wave === undefined) {
      wave = 0;
      for (let seq = first; seq <= last; seq += 1) wave = Math.max(wave, (waves.get(seq) ?? -1) + 1);
      afterRange.set(key, wave);
    }
    return wave;
  };
  for (const { seq, dependsOn } of steps) waves.set(seq, Math.max(0, ...dependsOn.map(after)));
  return waves;
}
