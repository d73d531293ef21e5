/** Every command that begins or ends programs in a home, or writes its files, is refused to whom the home does not belong. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EXIT } from "../src/exit-code.ts";
import { main } from "../src/index.ts";
import { fakeIo } from "./fixture.ts";

const GUARDED = [
  ["up"],
  ["up", "--detach"],
  ["down"],
  ["reload"],
  ["leave"],
  ["uninstall", "--yes"],
  ["uninstall", "--yes", "--schema", "--purge"],
  ["upgrade"],
  ["upgrade", "--yes"],
  ["cert", "init"],
  ["cert", "issue", "zeus", "--address", "zeus", "--out", "zeus-trust"],
  ["cert", "install", "zeus-trust"],
  ["cert", "renew"],
  ["cert", "rotate", "begin"],
  ["schema", "move", "sqlite:elsewhere.db"],
  ["schema", "move", "--cancel"],
  ["restore", "node.backup"],
];

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "castellan-owner-"));
  mkdirSync(join(home, "run"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(home, { recursive: true, force: true });
});

describe("a home that belongs to another", () => {
  it.each(GUARDED.map((words) => [words.join(" "), words] as const))(
    "refuses `castellan %s`",
    async (_typed, words) => {
      const owner = process.getuid?.() ?? 0;
      vi.spyOn(process, "getuid").mockReturnValue(owner + 1);
      const io = fakeIo({ cwd: home });
      const openAdmin = vi.fn(() => Promise.reject(new Error("nothing is opened")));
      const code = await main(["--home", home, "--json", ...words], io, openAdmin);
      expect({ code, error: JSON.parse(io.stdout()).error }, io.stderr()).toMatchObject({
        code: EXIT.notPermitted,
        error: { code: "NOT_OWNER", details: { home }, message: expect.stringContaining("sudo -u ") },
      });
      expect(openAdmin).not.toHaveBeenCalled();
      expect(readdirSync(home)).toEqual(["run"]);
      expect(readdirSync(join(home, "run"))).toEqual([]);
    },
  );
});
