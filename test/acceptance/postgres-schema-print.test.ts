/** A DBA runs the schema by hand; the account of the node may read and write rows, and make nothing. */
import { mkdirSync, writeFileSync } from "node:fs";
import { findProcesses, postgresAdmin, runCli, tempHome } from "@castellan/testkit";
import { afterEach, expect, inject, it } from "vitest";
import { said } from "../harness/node.ts";

const admin = postgresAdmin(inject("postgres") ?? { port: 0, socketDir: "" });
let cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
});

it("castellan up works on a schema that was printed, for a user without the right to make tables", async () => {
  const database = await admin.database();
  cleanUp.push(() => database.drop());
  const { name, url, password } = database;
  await admin.sql(`ALTER DATABASE ${name} OWNER TO CURRENT_USER`);

  const printed = await runCli(["schema", "print", "--dialect", "postgres"]);
  expect(printed.code, said(printed)).toBe(0);
  await admin.sql(printed.stdout, name);
  // What the script says that such an account needs, and no more.
  const grants = [...printed.stdout.matchAll(/^-- +(GRANT .*) TO ips1;$/gm)].map(([, grant]) => `${grant} TO ${name};`);
  expect(grants.length).toBe(2);
  await admin.sql(grants.join("\n"), name);
  expect(await admin.sql(`SELECT has_schema_privilege('${name}', 'public', 'CREATE')`, name)).toBe("f");

  const home = await tempHome();
  cleanUp.push(() => home.remove());
  mkdirSync(home.path("etc"));
  writeFileSync(home.path("etc/db.password"), `${password}\n`, { mode: 0o600 });
  writeFileSync(home.path("castellan.yaml"), `database: { url: "${url}", passwordFile: etc/db.password }\n`);
  const castellan = (...args: string[]) => runCli(args, { home: home.dir, timeoutMs: 90_000 });
  cleanUp.push(async () => {
    const down = await castellan("down");
    expect(down.code, said(down)).toBe(0);
    expect(findProcesses(home.dir)).toEqual([]);
  });
  for (const args of [["up", "--detach", "--bare"], ["attribute", "set", "PM_AUTO_BOOT", "0"], ["start"], ["status"]]) {
    const result = await castellan(...args);
    expect(result.code, said(result)).toBe(0);
  }
  const rows = await admin.sql(
    `SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = '${name}')`,
    name,
  );
  expect(rows).toBe("0");
});
