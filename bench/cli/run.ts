/**
 * What a command costs from the shell's prompt back to it, on a node with 100 processes that runs: each against an empty
 * Node program, turn by turn in one run. Needs a build. Run: `npm run bench:cli [ROUNDS]`
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cliPath, killAll, runCli, tempHome } from "@castellan/testkit";

const rounds = Number(process.argv[2] ?? 20);
const temp = await tempHome("castellan-bench-");
const home = temp.path("home");
const castellan = (...args: string[]) => runCli([...args, "--home", home], { timeoutMs: 120_000 });

interface Contender {
  readonly name: string;
  readonly args: readonly string[];
}

const command = (...words: string[]): Contender => ({
  name: `castellan ${words.join(" ")}`,
  args: [cliPath, ...words, "--home", home],
});
const EMPTY: Contender = { name: "node -e 0", args: ["-e", "0"] };
const CONTENDERS = [
  EMPTY,
  command("--version"),
  command("status"),
  command("status", "--json"),
  command("workitem", "list"),
  command("__complete", "--", "restart", ""),
  command("explain", "S", "1"),
  command("plan", "stop"),
  command("start"),
];

/** Wall-clock milliseconds. */
function once({ args }: Contender): number {
  const begun = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`);
  return performance.now() - begun;
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

try {
  await castellan("init");
  const types = 'types:\n  S: { command: [sleep, "1000000"] }\nservers:\n  master: { S: 100 }\n';
  writeFileSync(temp.path("home/etc/types.yaml"), types);
  const up = await castellan("up", "--detach");
  if (up.code !== 0) throw new Error(up.stderr);
  const times = new Map<Contender, number[]>(CONTENDERS.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [contender, taken] of times) taken.push(once(contender));
  }
  const sorted = (contender: Contender): number[] => [...(times.get(contender) ?? [])].sort((a, b) => a - b);
  const floor = quantile(sorted(EMPTY), 0.5);
  console.log(`| ${rounds} rounds | median, ms | p10 - p90 | x empty Node |\n|---|---:|---:|---:|`);
  for (const contender of CONTENDERS) {
    const taken = sorted(contender);
    const spread = `${quantile(taken, 0.1).toFixed(0)} - ${quantile(taken, 0.9).toFixed(0)}`;
    const median = quantile(taken, 0.5);
    console.log(`| \`${contender.name}\` | ${median.toFixed(0)} | ${spread} | ${(median / floor).toFixed(2)} |`);
  }
  await castellan("down");
} finally {
  await killAll(home);
  await temp.remove();
}
