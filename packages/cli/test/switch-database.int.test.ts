/** What people write into castellan.yaml while a schema is moved is theirs. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planSwitch } from "../src/switch-database.ts";

const NEW = { url: "postgres://ips1@db/ips1", passwordFile: null };

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

const write = (text: string, mode = 0o640): void => writeFileSync(home.path("castellan.yaml"), text, { mode });
const read = (): string => readFileSync(home.path("castellan.yaml"), "utf8");

describe("a home whose schema has moved", () => {
  it("keeps what was written into its castellan.yaml meanwhile, and its mode", async () => {
    write("# ours\nnode: ips1\n");
    const settle = planSwitch([home.dir], NEW);
    write("# ours, and new\nnode: ips1\nserver: hades\n");
    await settle();
    expect(read()).toBe(`# ours, and new\nnode: ips1\nserver: hades\ndatabase: { url: ${NEW.url} }\n`);
    expect(statSync(home.path("castellan.yaml")).mode & 0o777).toBe(0o640);
  });

  it("is told nothing when it was given another database meanwhile, or what is no configuration: no home is", async () => {
    const other = await tempHome();
    try {
      writeFileSync(other.path("castellan.yaml"), "node: ips1\n");
      write("node: ips1\n");
      const settle = planSwitch([other.dir, home.dir], NEW);
      const edited = "node: ips1\ndatabase: { url: 'sqlite:mine.db' }\n";
      write(edited);
      await expect(settle()).rejects.toMatchObject({
        code: "CONFIG_CHANGED",
        message: expect.stringMatching(
          /castellan.yaml was changed meanwhile.*is at postgres:\/\/ips1@db\/ips1 now.*say `castellan schema move` again/,
        ),
      });
      expect([read(), readFileSync(other.path("castellan.yaml"), "utf8")]).toEqual([edited, "node: ips1\n"]);
      write("node: [\n");
      await expect(settle()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
      write("node: ips1\n");
      await settle();
      expect(read()).toContain(NEW.url);
    } finally {
      await other.remove();
    }
  });
});
