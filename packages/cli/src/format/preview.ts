/** A plan as a person reads it: wave by wave, the instances of a type on a server together. Pure. */
import type { PlanPreview } from "@castellan/protocol";
import type { Style } from "./style.ts";

type Step = PlanPreview["waves"][number][number];

const VERBS: Readonly<Record<Step["desired"], string>> = {
  RUNNING: "start",
  STOPPED: "stop",
  RESTARTED: "restart",
  PAUSED: "pause",
  UNPAUSED: "resume",
  HELD: "stop for now",
};

export function formatPreview(word: string, { note, supersedes, waves }: PlanPreview, style: Style): string {
  const ended = supersedes.map((operation) => `${style.word("warning")}: this would end the ${operation}\n`).join("");
  const total = waves.reduce((sum, wave) => sum + wave.length, 0);
  if (total === 0) return `${ended}${note ?? "nothing to do"}\n`;
  const lines = waves.flatMap((wave, at) =>
    groupsOf(wave).map((group, line) => {
      const number = line === 0 ? `${String(at + 1).padStart(3)}.` : "    ";
      return `${number} ${formatGroup(group, style)}\n`;
    }),
  );
  const wave = waves.length === 1 ? "1 wave" : `${waves.length} waves`;
  const outcome = `${word} would touch ${total} ${total === 1 ? "process" : "processes"} in ${wave}; nothing was done\n`;
  return `${ended}${lines.join("")}${style.faint(outcome)}`;
}

/** What is done alike to instances of one type on one server. */
function groupsOf(wave: readonly Step[]): readonly (readonly [Step, ...Step[]])[] {
  const groups = new Map<string, [Step, ...Step[]]>();
  for (const step of wave) {
    const key = `${step.server} ${step.type} ${step.desired} ${step.status ?? ""}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [step]);
    else group.push(step);
  }
  return [...groups.values()];
}

function formatGroup(group: readonly [Step, ...Step[]], style: Style): string {
  const { server, type, desired, status } = group[0];
  const numbers = rangesOf(group.map(({ instance }) => instance));
  return `${VERBS[desired].padEnd(7)} ${server} ${type} ${numbers}  ${style.faint(status === null ? "(new)" : `(${status})`)}`;
}

/** `1-3, 7`. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(", ");
}
