import { describe, expect, it } from "vitest";
import { candidatesFor, homeAmong, type NodeNames } from "../src/completion/candidates.ts";
import { main } from "../src/index.ts";
import { createProgram } from "../src/program.ts";
import { fakeIo, oneServer } from "./fixture.ts";

const NAMES: NodeNames = {
  servers: ["hades", "zeus"],
  instances: [
    { server: "hades", type: "WEB", instance: 1 },
    { server: "hades", type: "WEB", instance: 2 },
    { server: "hades", type: "STORE", instance: 1 },
    { server: "zeus", type: "QUEUE", instance: 7 },
  ],
  cases: [12, 13],
};

const asked = () => Promise.reject(new Error("asked"));

const program = createProgram(fakeIo(), () => Promise.resolve());
const complete = (line: string) => candidatesFor(program, line.split(" "), () => Promise.resolve(NAMES));

describe("completion", () => {
  it.each([
    ["sta", ["start", "start-new", "status"]],
    ["--h", ["--help", "--home"]],
    ["status --w", ["--watch"]],
    ["workitem rel", ["release"]],
    ["restart ", ["hades", "zeus"]],
    ["restart h", ["hades"]],
    ["restart hades ", ["STORE", "WEB"]],
    ["restart hades w", ["WEB"]],
    ["restart HADES web ", ["1", "2"]],
    ["restart zeus WEB ", []],
    ["start-new zeus ", ["QUEUE"]],
    ["plan ", ["start", "stop", "restart", "pause", "resume"]],
    ["plan stop ze", ["zeus"]],
    ["plan stop hades ST", ["STORE"]],
    ["explain ", ["QUEUE", "STORE", "WEB", "hades", "zeus"]],
    ["explain WEB ", ["1", "2"]],
    ["explain hades ", ["STORE", "WEB"]],
    ["explain hades WEB ", ["1", "2"]],
    ["workitem show ", ["12", "13"]],
    ["completion ", ["bash", "zsh", "fish"]],
    ["--home /srv/ips1 restart ", ["hades", "zeus"]],
    ["-T 5 restart z", ["zeus"]],
    ["--as ann restart z", ["zeus"]],
    ["status ", []],
    ["nonsense ", []],
  ])("of %j", async (line, expected) => {
    expect(await complete(line)).toEqual(expected);
  });

  it("leaves paths to the shell", async () => {
    for (const line of ["apply ", "apply ty", "init ", "--home ", "up --example "]) {
      expect(await complete(line), line).toBe("files");
    }
    expect(await complete("--as ")).toEqual([]);
  });

  it("names nothing that is not for people", async () => {
    expect(await complete("w")).toEqual(["workitem"]);
    expect(await complete("_")).toEqual([]);
  });

  it("asks the node for names only where it needs them", async () => {
    expect(await candidatesFor(program, ["sta"], asked)).toContain("status");
    await expect(candidatesFor(program, ["stop", ""], asked)).rejects.toThrow("asked");
  });

  it("finds the home that is named on the line", () => {
    expect(homeAmong(["--home", "/srv/ips1", "restart", ""])).toBe("/srv/ips1");
    expect(homeAmong(["restart", "--home=/srv/ips1", ""])).toBe("/srv/ips1");
    expect(homeAmong(["restart", "--home"])).toBeUndefined();
    expect(homeAmong(["restart", ""])).toBeUndefined();
  });
});

describe("castellan __complete", () => {
  it("prints a candidate a line, from the node's own rows", async () => {
    const node = await oneServer();
    expect(await node.castellan(["__complete", "--", "restart", ""])).toEqual({
      code: 0,
      stdout: "hades\n",
      stderr: "",
    });
    expect((await node.castellan(["__complete", "--", "restart", "hades", "WEB", ""])).stdout).toBe("1\n2\n");
    expect((await node.castellan(["__complete", "--", "apply", ""])).stdout).toBe(":files\n");
  });

  it("says nothing, and no error either, where there is no node", async () => {
    const io = fakeIo();
    const code = await main(["__complete", "--", "restart", ""], io, () => Promise.reject(new Error("no node")));
    expect({ code, stdout: io.stdout(), stderr: io.stderr() }).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

describe("castellan completion", () => {
  it.each(["bash", "zsh", "fish"])("prints a script for %s", async (shell) => {
    const io = fakeIo();
    expect(await main(["completion", shell], io)).toBe(0);
    expect(io.stdout()).toContain("castellan __complete".slice(10));
  });

  it("names the shells it knows", async () => {
    const io = fakeIo();
    expect(await main(["completion", "tcsh"], io)).toBe(2);
    expect(io.stderr()).toContain("known: bash, zsh, fish");
  });
});
