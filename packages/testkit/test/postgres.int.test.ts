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
      const own = await server.database();
      const asOwner = (password: string): string => own.url.replace("@", `:${encodeURIComponent(password)}@`);
      expect(await sql("select current_user = current_database()", asOwner(own.password))).toBe("t");
      await expect(sql("select 1", asOwner("wrong"))).rejects.toThrow(/password/);
      await own.drop();

      await server.freeze();
      let answered = false;
      const asked = sql("select 7").finally(() => {
        answered = true;
      });
      await promisify(execFile)("true");
      expect(answered).toBe(false);
      server.thaw();
      expect(await asked).toBe("7");

      await server.kill9();
      await expect(sql("select 1")).rejects.toThrow(/refused/);
      await eventually(() => server.restart().then(() => true), { withinMs: 90_000, everyMs: 100 });
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
