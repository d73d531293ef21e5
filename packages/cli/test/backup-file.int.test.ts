/** A backup has its name when it is whole, and takes nobody else's. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeBackupFile } from "../src/backup-file.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

async function* said(text: string, meanwhile: () => Promise<void> = async () => undefined): AsyncGenerator<string> {
  yield text;
  await meanwhile();
}

const held = (): string => gunzipSync(readFileSync(home.path("b"))).toString();

describe("two backups into one file", () => {
  it("that meet write each a draft of its own: the first that is whole has the name, the other is refused", async () => {
    const path = home.path("b");
    const second = said("two\n", () => writeBackupFile(path, "first", said("one\n")));
    await expect(writeBackupFile(path, "second", second)).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(held()).toBe("one\n");
    expect(readdirSync(home.dir)).toEqual(["b"]);
    await expect(writeBackupFile(path, "third", said("three\n"))).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(held()).toBe("one\n");
  });

  it("do not take away what the other is just writing", async () => {
    const path = home.path("b");
    const broken = async (): Promise<void> => {
      await expect(
        writeBackupFile(
          path,
          "first",
          said("one\n", () => Promise.reject(new Error("it broke"))),
        ),
      ).rejects.toThrow("it broke");
      expect(readdirSync(home.dir)).toEqual(["b.second.new"]);
    };
    await writeBackupFile(path, "second", said("two\n", broken));
    expect(held()).toBe("two\n");
  });

  it("leave a file alone that somebody has put there meanwhile", async () => {
    const late = said("one\n", async () => writeFileSync(home.path("b"), "mine"));
    await expect(writeBackupFile(home.path("b"), "first", late)).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(readFileSync(home.path("b"), "utf8")).toBe("mine");
  });
});
