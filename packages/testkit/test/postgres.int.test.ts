import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { eventually, findProcesses, postgres, postgresBinaries } from "../src/index.ts";

const bin = postgresBinaries();

it.skipIf(bin === undefined)(
  bin === undefined
    ? "starts a throw-away PostgreSQL (skipped: not installed; `apt-get install postgresql` makes it run)"
    : "starts a throw-away PostgreSQL that keeps its rows over kill -9 and leaves nothing behind",
  async () => {
    const server = await postgres();
    const files = dirname(server.socketDir);
    const sql = async (text: string, url = server.url): Promise<string> =>
      (await promisify(execFile)(join(bin ?? "", "psql"), ["-XtAc", text, url])).stdout.trim();
    try {
      await sql("create table kept as select 42 as answer; checkpoint");
      expect(await sql("select answer from kept")).toBe("42");
      expect(
        await sql("select current_user", `postgres://castellan@/postgres?host=${server.socketDir}&port=${server.port}`),
      ).toBe("castellan");
      const { pid } = server;
      await server.kill9();
      await expect(sql("select 1")).rejects.toThrow(/refused/);
      await eventually(() => server.restart().then(() => true), { withinMs: 20_000, everyMs: 100 });
      expect(server.pid).not.toBe(pid);
      expect(await sql("select answer from kept")).toBe("42");
    } finally {
      await server.stop();
    }
    await server.stop();
    expect(existsSync(files)).toBe(false);
    expect(findProcesses(files)).toEqual([]);
  },
);
