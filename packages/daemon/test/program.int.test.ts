import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("../src/program/program.ts", import.meta.url));

/** A part as a process of its own; answers its exit code, null when it had to be killed. */
function run(body: string): number | null {
  const source = `import { runToItsEnd, stopRequest } from ${JSON.stringify(program)};\n${body}`;
  const args = ["--conditions=@castellan/source", "--import", "tsx", "--input-type=module", "-e", source];
  return spawnSync(process.execPath, args, { stdio: "inherit", timeout: 40_000, killSignal: "SIGKILL" }).status;
}

/** Something that would keep a process for ever. */
const STILL_WAITS = "setInterval(() => {}, 1000);";
const END = "{ withinMs: 200, overdue: () => {} }";

describe("a part that is done", () => {
  it("ends, whatever still waits for a timer", () => {
    expect(run(`${STILL_WAITS} await runToItsEnd(stopRequest(), async () => 3, ${END});`)).toBe(3);
  });

  it("ends a while after it was told to, also when something does not end in order", () => {
    const body = `const stop = stopRequest(); ${STILL_WAITS}
      void runToItsEnd(stop, () => new Promise(() => {}), ${END}); process.kill(process.pid, "SIGTERM");`;
    expect(run(body)).toBe(1);
  });
});
