/** What processes print: shown from the server itself and from elsewhere, followed across the cuts that bound it, put away. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { Endpoints } from "@castellan/protocol";
import { eventually, fakePrograms, runCli, startCli } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";

let node: TestNode;
afterEach(() => node.dispose());

const KIB = 1024;
/**
 * Numbered lines, some 2 MB a second, up to the number in the file `credit`: who reads them is never left so far behind
 * that what he has not read may be cut off, however slow the machine is.
 */
const NUMBERED = `let n = 0; setInterval(() => { if (!fs.existsSync("credit") || n + 200 > Number(fs.readFileSync("credit", "utf8"))) return; let s = ""; for (let i = 0; i < 200; i += 1) s += "line " + n++ + " ".padEnd(90, "x") + "\\n"; process.stdout.write(s); }, 10)`;
/** Two megabytes: less than the three quarters of its bound that a cut leaves. */
const AHEAD = 20_000;
const command = (...args: string[]): string => JSON.stringify([process.execPath, ...args]);
const TYPES = `
types:
  TALK: { command: ${command("-e", "console.log('hello from {instance}\\nsecond'); setInterval(() => {}, 1e6)")} }
  MUCH: { command: ${command("-e", NUMBERED)}, logs: { keep: 4M } }
  QUIET: { command: ${command(fakePrograms.steady)} }
servers:
  master: { TALK: 2, MUCH: 1, QUIET: 1 }
`;

describe("castellan logs", () => {
  it("shows the end of it, of one or of all of a type, with no sentinel running too, and names what is misspelled", async () => {
    node = await makeNode({ types: TYPES });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const shown = await eventually(
      async () => {
        const [one, two] = [await node.cli("logs", "talk", "1"), await node.cli("logs", "talk", "2")];
        if (one.stdout !== "hello from 1\nsecond\n") throw new Error(said(one));
        if (two.stdout !== "hello from 2\nsecond\n") throw new Error(said(two));
        return two;
      },
      { withinMs: 90_000, describe: "both have spoken" },
    );
    expect(shown.code).toBe(0);
    const { master } = await node.status();
    expect((await node.cli("logs", master ?? "", "TALK", "1", "--lines", "1")).stdout).toBe("second\n");
    expect((await node.cli("logs", "TALK")).stdout).toBe(
      "TALK 1 | hello from 1\nTALK 1 | second\nTALK 2 | hello from 2\nTALK 2 | second\n",
    );
    const json = await node.cli("logs", "TALK", "1", "-n", "1", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ server: master, type: "TALK", instance: 1, line: "second" });

    const misspelled = await node.cli("logs", "TALC");
    expect(misspelled.code).toBe(1);
    expect(said(misspelled)).toContain("did you mean TALK?");
    expect((await node.cli("logs", "../../etc/passwd")).code).toBe(1);
    expect((await node.cli("logs", "TALK", "1", "--lines", "many")).code).toBe(2);

    expect((await node.cli("down")).code).toBe(0);
    expect((await node.cli("logs", "TALK", "1", "--lines", "1")).stdout).toBe("second\n");
  });

  it("asks the sentinel when the process is on another server; dumplog puts it away there", async () => {
    node = await makeNode({ types: TYPES });
    expect((await node.up()).code).toBe(0);
    const { natsUrl } = Endpoints.parse(JSON.parse(readFileSync(node.path("run/endpoints.json"), "utf8")));
    const elsewhere = `${node.home}-elsewhere`;
    mkdirSync(elsewhere);
    writeFileSync(
      `${elsewhere}/castellan.yaml`,
      `server: elsewhere\nnats: { url: "${natsUrl}" }\n${node.database.configElsewhere(node.home)}`,
    );
    const from = (...args: string[]) => runCli(args, { home: elsewhere, timeoutMs: 120_000 });
    await eventually(
      async () => {
        for (const number of ["1", "2"]) {
          const one = await from("logs", "TALK", number);
          if (one.stdout !== `hello from ${number}\nsecond\n`) throw new Error(said(one));
        }
      },
      { withinMs: 90_000, describe: "both have spoken" },
    );
    const dumped = await from("dumplog", "TALK", "1");
    expect(dumped.code, said(dumped)).toBe(0);
    const file = / on \S+: (\S+\.dmp)$/m.exec(dumped.stdout)?.[1] ?? "";
    expect(file.startsWith(node.path("logs", "TALK_"))).toBe(true);
    expect(readFileSync(file, "utf8")).toMatch(/^process: TALK 1\n[^]*\n\nhello from 1\nsecond\n$/);
  });

  it("--follow goes on across the cuts that keep the file within its bound, without losing a line", async () => {
    node = await makeNode({ types: TYPES });
    expect((await node.up()).code).toBe(0);
    const mayWrite = (lines: number): void => writeFileSync(node.path("credit"), String(lines));
    mayWrite(200);
    const file = node.path("logs", "MUCH_1.log");
    await eventually(() => statSync(file).size > 0, { describe: "its first lines" });
    const follower = startCli(["logs", "MUCH", "--follow", "--lines", "1"], { home: node.home });
    let largest = 0;
    let cuts = 0;
    let last = 0;
    await eventually(
      () => {
        const seen = follower.stdout();
        const line = /^line (\d+) /.exec(seen.slice(seen.lastIndexOf("\nline ") + 1));
        if (line !== null) mayWrite(Number(line[1]) + AHEAD);
        const { size } = statSync(file);
        if (size < last) cuts += 1;
        last = size;
        largest = Math.max(largest, size);
        return cuts >= 5;
      },
      { withinMs: 120_000, everyMs: 50, describe: "five cuts" },
    );
    follower.signal("SIGINT");
    const { stdout, stderr, code } = await follower.ended;
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const numbers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => Number(/^line (\d+) x+$/.exec(line)?.[1]));
    const [first = Number.NaN] = numbers;
    expect(numbers.length).toBeGreaterThan(10_000);
    expect(numbers.findIndex((number, at) => number !== first + at)).toBe(-1);
    expect(largest).toBeLessThan(30_000 * KIB);
  });
});
