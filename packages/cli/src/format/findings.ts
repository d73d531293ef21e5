/** A diagnosis as a person reads it: what was looked at, and under what is wrong the remedy. Pure. */
import type { Finding, Verdict } from "@castellan/admin";
import type { Style } from "./style.ts";
import { oneLine } from "./table.ts";

export function formatFindings(findings: readonly Finding[], style: Style): string {
  const widest = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, verdict, found, remedy }) => {
    const [first = "", ...more] = found.split("\n").map(oneLine);
    const margin = " ".repeat(widest + 8);
    return [
      `${style.word(verdict)}${" ".repeat(6 - verdict.length)}${check.padEnd(widest)}  ${first}`,
      ...more.map((line) => `${margin}${line}`),
      ...(remedy === null ? [] : [`${margin}${style.faint(remedy)}`]),
    ];
  });
  return `${[...lines, "", summary(findings)].join("\n")}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: Verdict): number => findings.filter(({ verdict }) => verdict === wanted).length;
  const [failed, warned] = [count("fail"), count("warn")];
  if (failed === 0 && warned === 0) return "everything is as it should be";
  return [...(failed > 0 ? [`${failed} to mend`] : []), ...(warned > 0 ? [`${warned} to look at`] : [])].join(", ");
}
