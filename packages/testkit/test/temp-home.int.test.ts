import { existsSync } from "node:fs";
import { chmod, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { tempHome } from "../src/index.ts";

it("is private, empty and gone afterwards, read-only parts included", async () => {
  const outside = await tempHome();
  const home = await tempHome();
  expect((await stat(home.dir)).mode & 0o777).toBe(0o700);
  await writeFile(outside.path("kept"), "");
  await mkdir(home.path("etc", "deep"), { recursive: true });
  await writeFile(home.path("etc", "deep", "file"), "x");
  await symlink(outside.dir, home.path("link"));
  await chmod(home.path("etc", "deep"), 0o500);
  await chmod(home.dir, 0o500);

  await home.remove();
  await home.remove();

  expect(existsSync(home.dir)).toBe(false);
  expect(existsSync(outside.path("kept"))).toBe(true);
  await outside.remove();
});
