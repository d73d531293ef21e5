import { mkdirSync, writeFileSync } from "node:fs";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attend } from "../src/attend.ts";
import { fakeIo, oneServer } from "./fixture.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

describe("`castellan up` in the foreground", () => {
  it("does not start a pair again and again that says it may not run, and says why", async () => {
    mkdirSync(home.path("run"), { recursive: true });
    writeFileSync(home.path("run", "refused"), "server hades has no row in node_cluster\n");
    const { ctx } = await oneServer(() => "{}");
    const io = fakeIo();
    const invocation = {
      io,
      home: home.dir,
      json: false,
      user: "ann",
      command: "castellan up",
      timeoutMs: null,
      openAdmin: () => Promise.resolve(ctx),
    };
    await expect(attend(invocation, ctx, [home.dir])).rejects.toMatchObject({
      code: "NOT_A_MEMBER",
      message: "server hades has no row in node_cluster",
    });
    expect(io.stdout()).not.toContain("starting them again");
  });
});
