/** The unit that `deploy/` ships: what systemd itself says of it, and what processes must be able to rely on. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cliPath, repositoryRoot, tempHome } from "@castellan/testkit";
import { describe, expect, it } from "vitest";

const UNIT = "deploy/systemd/castellan@.service";
const text = readFileSync(`${repositoryRoot}/${UNIT}`, "utf8");
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("the systemd unit", () => {
  it("lets processes outlive their sentinel, and starts nothing twice over a mistake", () => {
    expect(text).toMatch(/^KillMode=process$/m);
    expect(text).toMatch(/^OOMPolicy=continue$/m);
    expect(text).toMatch(/^Restart=on-failure$/m);
    expect(text).toMatch(/^RestartPreventExitStatus=2 5$/m);
  });

  // Without systemd's own tool there is nobody to ask; Debian's package is `systemd`.
  it.skipIf(!hasSystemd)("is one that systemd has nothing to complain of", async () => {
    const temp = await tempHome();
    try {
      const file = temp.path("castellan@example.service");
      writeFileSync(file, text.replace("/usr/local/bin/castellan", cliPath));
      const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
      const complaints = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("castellan@"));
      expect({ status, complaints }).toEqual({ status: 0, complaints: [] });
    } finally {
      await temp.remove();
    }
  });
});
