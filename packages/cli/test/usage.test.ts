import { CastellanError } from "@castellan/kernel";
import { StoreUnavailable } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { EXIT, exitCodeOf } from "../src/exit-code.ts";
import { reportFailure } from "../src/failure.ts";
import { main } from "../src/index.ts";
import { fakeIo } from "./fixture.ts";

async function castellan(...args: string[]) {
  const io = fakeIo();
  const code = await main(args, io, () => Promise.reject(new StoreUnavailable("no database here")));
  return { code, stdout: io.stdout(), stderr: io.stderr() };
}

describe("the command line", () => {
  it("prints version and help on stdout", async () => {
    expect(await castellan("--version")).toEqual({ code: 0, stdout: "0.2.0\n", stderr: "" });
    const help = await castellan("--help");
    expect(help.code).toBe(0);
    expect(help.stderr).toBe("");
    for (const word of [
      "up",
      "down",
      "apply",
      "status",
      "start",
      "stop",
      "restart",
      "workitem",
      "alerts",
      "Examples:",
    ]) {
      expect(help.stdout).toContain(word);
    }
    expect(help.stdout).not.toMatch(/worker|watcher/);
  });

  it("gives every command its own help, with examples, on one screen", async () => {
    for (const command of ["up", "down", "apply", "status", "start", "stop", "restart", "alerts"]) {
      const { code, stdout } = await castellan(command, "--help");
      expect(code).toBe(0);
      expect(stdout.match(/ {2}\$ castellan /g)?.length, command).toBeGreaterThanOrEqual(2);
      expect(stdout.split("\n").length, command).toBeLessThanOrEqual(30);
      expect(stdout, command).toContain("--home");
    }
  });

  it.each([
    [["statsu"], "unknown command 'statsu'\n  (Did you mean status?)"],
    [["status", "--wacht"], "unknown option '--wacht'\n  (Did you mean --watch?)"],
    [["apply"], "missing required argument 'file'"],
    [["alerts"], "say --follow, or --since 1h, or both"],
    [["status", "hades"], "too many arguments for 'status'. Expected 0 arguments but got 1."],
    [["-T", "soon", "status"], "write a number of seconds"],
    [["up", "--servers", "1"], "write a number of servers from 2 to 9; without it there is one"],
    [["up", "--servers", "0"], "write a number of servers from 2 to 9"],
    [["up", "--servers", "three"], "write a number of servers from 2 to 9"],
    [["up", "--servers", "10"], "write a number of servers from 2 to 9"],
    [["--as", "", "status"], "write 1 to 64 characters"],
    [["--as", "x".repeat(65), "status"], "write 1 to 64 characters"],
    [["start", "hades", "no type"], '"no type": a process type is 1-10 letters, digits and underscores'],
    [["start", "hades", "WEB", "0"], '"0" is not an instance number'],
    [["workitem", "show", "12x"], '"12x" is not a case number'],
  ])("refuses %j with 2 and says why", async (args, complaint) => {
    const { code, stdout, stderr } = await castellan(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(complaint);
    expect(stderr).toMatch(/^castellan: /);
  });

  it("shows the help of a command that needs a subcommand", async () => {
    for (const args of [[], ["workitem"]]) {
      const { code, stdout, stderr } = await castellan(...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain("Usage: castellan");
    }
  });

  it("answers mistakes with JSON too when asked for it", async () => {
    const { code, stdout, stderr } = await castellan("statsu", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "USAGE", retryable: false } });
    expect(stderr).toContain("unknown command");
  });

  it("takes common options before and after the command", async () => {
    for (const args of [
      ["--json", "status"],
      ["status", "--json"],
    ]) {
      const { code, stdout } = await castellan(...args);
      expect(code).toBe(3);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: "STORE_UNAVAILABLE", message: "no database here" } });
    }
  });
});

describe("exit codes", () => {
  it.each([
    ["SOMETHING_NEW", EXIT.refused],
    ["CYCLE", EXIT.refused],
    ["USAGE", EXIT.usage],
    ["CONFIG_INVALID", EXIT.usage],
    ["NOT_REACHABLE", EXIT.notReachable],
    ["STORE_UNAVAILABLE", EXIT.notReachable],
    ["NO_HOME", EXIT.notReachable],
    ["TIMED_OUT", EXIT.timedOut],
    ["ASK_TIMEOUT", EXIT.timedOut],
    ["NOT_PERMITTED", EXIT.notPermitted],
    ["EACCES", EXIT.notPermitted],
    ["toString", EXIT.refused],
  ])("%s is %i", (code, exit) => {
    expect(exitCodeOf(code)).toBe(exit);
  });
});

describe("failures", () => {
  it("say what happened, line by line, and what to do", () => {
    const io = fakeIo();
    const code = reportFailure(new CastellanError("CYCLE", "first\nsecond"), io, false);
    expect(code).toBe(1);
    expect(io.stderr()).toBe("castellan: first\n  second\n  take one of these dependencies out\n");
    expect(io.stdout()).toBe("");
  });

  it("keep the system's code, and show where a defect is", () => {
    const io = fakeIo();
    expect(reportFailure(Object.assign(new Error("EACCES: denied"), { code: "EACCES" }), io, true)).toBe(5);
    expect(JSON.parse(io.stdout())).toMatchObject({ error: { code: "EACCES" } });
    const defect = fakeIo();
    expect(reportFailure(new TypeError("boom"), defect, false)).toBe(1);
    expect(defect.stderr()).toMatch(/TypeError: boom\n.*usage\.test\.ts/s);
  });
});
