/** The programs by the original's names: grammars over the same functions, in any case of letters. */
import type { OperationReport, StepReport } from "@castellan/protocol";
import { insert, update } from "@castellan/store";
import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type ProgramName, runProgram } from "../src/programs.ts";
import { formatEnd, formatResult, formatStatusLine, STATUS_HEAD } from "../src/sw/lines.ts";
import { fakeIo, type Node, oneServer } from "./fixture.ts";

let node: Node;
beforeEach(async () => {
  node = await oneServer((subject) =>
    subject.includes(".cmd.") ? '{"error":{"code":"NO","message":"no","retryable":false,"details":{}}}' : "{}",
  );
});

async function run(program: ProgramName, ...args: string[]) {
  const io = fakeIo({ interrupted: AbortSignal.abort(), columns: 100 });
  const code = await runProgram(program, args, io, () => Promise.resolve(node.ctx));
  return { code, stdout: io.stdout(), stderr: io.stderr() };
}

describe("help", () => {
  it.each<[ProgramName, string]>([
    ["swsvrmgr", ""],
    ["swadm", ""],
    ["swstart", ""],
    ["swstop", ""],
    ["swsvrmgr", "START"],
    ["swsvrmgr", "status"],
    ["swadm", "SET_ATTRIBUTE"],
    ["swadm", "export_ipe_config"],
  ])("of %s %s fits a screen and has examples", async (program, command) => {
    const { code, stdout, stderr } = await run(program, ...(command === "" ? [] : [command]), "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^Usage: ${program}`));
    expect(stdout.split("\n").length).toBeLessThanOrEqual(48);
    expect(stdout).toContain(`Examples:\n  $ ${program}`);
  });
});

describe("what is typed", () => {
  it.each<[ProgramName, string[], number, RegExp]>([
    ["swsvrmgr", ["stauts"], 2, /^swsvrmgr: unknown command 'STAUTS'\n {2}\(Did you mean STATUS\?\)/],
    ["swsvrmgr", ["ResyncTime", "now"], 2, /RESYNCTIME was not carried over: /],
    ["swsvrmgr", ["START", "1", "WEB", "x"], 2, /is not an instance number/],
    ["swsvrmgr", ["START", "-T", "soon"], 2, /write a number of seconds/],
    ["swsvrmgr", ["START_NEW", "1", "WEB", "many"], 2, /how many new ones/],
    ["swsvrmgr", ["DUMPLOG", "hades", "WEBB"], 1, /did you mean WEB\?/],
    ["swadm", ["find_mastre"], 2, /Did you mean find_master\?/],
    ["swadm", ["Add_Range", "-m", "3"], 2, /ADD_RANGE was not carried over: /],
    ["swadm", ["add_process", "1", "WEB", "maybe"], 2, /ENABLED is Y or N, not "maybe"/],
    ["swadm", ["add_process", "1", "WEBB", "Y"], 1, /there is no process type "WEBB"; did you mean WEB\?/],
    ["swadm", ["add_server", "HADES"], 1, /there is a server hades already \(id 1\)/],
    ["swadm", ["add_server", "7"], 2, /cannot be a server's name/],
    ["swadm", ["delete_server", "hadez"], 1, /there is no server "hadez"; did you mean hades\?/],
    ["swadm", ["set_master", "nowhere"], 1, /there is no server "nowhere"/],
    ["swadm", ["set_check_errors", "1", "1"], 2, /CHECK is Y or N/],
    ["swadm", ["enable_process", "1", "WEB", "9"], 1, /there is no WEB 9 on hades; defined: 1, 2/],
    ["swadm", ["set_attribute", "1", "WEB", "0", "DEBUG", "1"], 2, /there is no attribute DEBUG/],
    ["swadm", ["import_config", "/nonexistent.yaml"], 2, /no such file/],
    ["swstart", ["-q"], 2, /swstart -q was not carried over/],
    ["swstart", ["hades"], 2, /too many arguments/],
    ["swstop", ["-p", "-f", "10"], 2, /-p and -f: one at a time/],
    ["swstop", ["-f", "soon"], 2, /write the notice as a number of seconds/],
    ["swstop", ["-f", "999999"], 2, /at most 86400/],
  ])("%s %j is refused with %i", async (program, args, code, words) => {
    const result = await run(program, ...args);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toMatch(words);
  });

  it("is found in any case of letters, before and after options", async () => {
    for (const args of [["SHOW_SERVERS"], ["-T", "5", "Show_Servers"], ["--as", "ann", "show_servers", "--json"]]) {
      const { code, stdout } = await run("swadm", ...args);
      expect(code).toBe(0);
      expect(stdout).toContain("hades");
    }
  });

  it("may be anything: an exit code of the six, no stack trace", async () => {
    const words: Record<ProgramName, string[]> = {
      swsvrmgr: ["STATUS", "START", "START_NEW", "SHUTDOWN", "DUMPLOG", "-v", "-T", "--json"],
      swadm: ["show_processes", "add_process", "delete_server", "set_attribute", "import_config", "-m1", "-p", "Y"],
      swstart: ["-q", "--json"],
      swstop: ["-f", "--json", "0"],
    };
    const hostile = [
      "",
      "--",
      "-1",
      "0",
      "1e9",
      "__proto__",
      "../../x",
      "\u001b[2J",
      "\u0000",
      "\ud800",
      "hades",
      "WEB",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc
          .constantFrom<ProgramName>("swsvrmgr", "swadm", "swstart", "swstop")
          .chain((program) =>
            fc.tuple(
              fc.constant(program),
              fc.array(fc.oneof(fc.constantFrom(...words[program], ...hostile), fc.string()), { maxLength: 6 }),
            ),
          ),
        async ([program, args]) => {
          const typed = args.filter((word) => !word.startsWith("-p") || program === "swadm");
          const { code, stderr } = await run(program, ...typed);
          expect([0, 1, 2, 3, 4, 5]).toContain(code);
          expect(stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("lines", () => {
  const step: StepReport = {
    server: "hades",
    type: "BG",
    instance: 3,
    desired: "RUNNING",
    state: "done",
    result: "started",
  };
  const report: OperationReport = {
    id: "1",
    verb: "start",
    target: {},
    by: "ann",
    state: "done",
    result: null,
    createdAt: "",
    finishedAt: null,
    steps: [step],
  };

  it("are the documented ones", () => {
    expect(formatResult(step, false)).toBe("BG 3 STARTED\n");
    expect(formatResult({ ...step, desired: "PAUSED" }, false)).toBe("BG 3 PAUSED\n");
    expect(formatEnd("start", report)).toBe("Process(es) successfully started\n");
    expect(formatEnd("pause", { ...report, steps: [] })).toBe("Process(es) successfully paused\n");
    const line = { machineId: 1, type: "BG", instance: 1, status: "SHUTTING DOWN", comment: "Normal Shutdown" };
    expect(`${STATUS_HEAD}${formatStatusLine(line)}`.replace(/ +/g, " ")).toBe(
      "Machine ID Proc Name Proc Inst Status Comment\n1 BG 1 SHUTTING DOWN Normal Shutdown\n",
    );
  });

  it("name the server where there are several, and the reason of what failed", () => {
    expect(formatResult(step, true)).toBe("BG 3 STARTED (hades)\n");
    expect(formatResult({ ...step, state: "failed", result: "not\u001b[2J ready" }, false)).toBe(
      "BG 3 FAILED: not [2J ready\n",
    );
    expect(formatEnd("start", { ...report, state: "failed", result: "BG 3 died", steps: [] })).toBe(
      "Process(es) not started: BG 3 died (0 of 0 successfully started)\n",
    );
  });
});

describe("swstop -f", () => {
  it("is on record at once, can be shortened, and a longer one is ignored", async () => {
    await node.gateway.commit([
      insert("active_logins", {
        user_id: "1",
        logical_machine_id: 1,
        logical_process_name: "WEB",
        logical_process_instance: 1,
        user_name: "bob",
        process_id: 1,
        filsh: 0,
        windows: 0,
        station_id: "desk8",
      }),
    ]);
    expect((await run("swstop", "-f")).stdout).toMatch(/in 300 seconds \(signed in: bob\)/);
    expect((await run("swstop", "-f", "400")).stdout).toMatch(
      /^Ignored: the system will be stopped in 300 seconds already/,
    );
    expect((await run("swstop", "-f", "60")).stdout).toMatch(/in 60 seconds/);
    const [row, ...more] = await node.gateway.find("forced_stop");
    expect(more).toEqual([]);
    expect(row?.stop_at.getTime()).toBeLessThan(node.ctx.clock.now().getTime() + 61_000);
    expect((await node.gateway.find("audit_log", { where: { what: "node.forced-stop" } })).length).toBe(2);
  });
});

describe("swadm", () => {
  it("never gives a number again, whatever became of it", async () => {
    expect((await run("swadm", "add_process", "1", "web", "N")).stdout).toMatch(
      /^WEB 3 on machine hades has been added/,
    );
    expect((await run("swadm", "delete_process", "1", "web", "3")).code).toBe(0);
    expect((await run("swadm", "add_process", "1", "web", "N")).stdout).toMatch(/^WEB 4 /);
  });

  it("takes no server away that is master, or whose processes may still run", async () => {
    await node.gateway.commit([update("server_state", { logical_machine_id: 1 }, { state: "down" })]);
    expect((await run("swadm", "delete_server", "1")).stderr).toMatch(/hades is master/);
  });
});
