/** What an operator sees who sets PostgreSQL up for a node and gets something wrong; and where a password never appears. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { openGateway } from "@castellan/store/typeorm";
import { type CliResult, findProcesses, postgresAdmin, runCli, tempHome } from "@castellan/testkit";
import { afterEach, describe, expect, inject, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

const admin = postgresAdmin(inject("postgres") ?? { port: 0, socketDir: "" });
let cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
});

/** `castellan up` in a new home with these settings of the database; nothing is left running when it fails. */
async function upWith(database: string, password?: string): Promise<CliResult> {
  const home = await tempHome();
  cleanUp.push(() => home.remove());
  mkdirSync(home.path("etc"));
  if (password !== undefined) writeFileSync(home.path("etc/db.password"), `${password}\n`);
  writeFileSync(home.path("castellan.yaml"), `database: ${database}\n`);
  const result = await runCli(["up", "--detach", "--bare", "--home", home.dir], { timeoutMs: 60_000 });
  expect(findProcesses(home.dir)).toEqual([]);
  return result;
}

async function newDatabase() {
  const database = await admin.database();
  cleanUp.push(() => database.drop());
  return database;
}

describe("castellan up on PostgreSQL", () => {
  it("says that the password is wrong, or missing, and where it comes from", async () => {
    const { url } = await newDatabase();
    const wrong = await upWith(`{ url: "${url}", passwordFile: etc/db.password }`, "a-wrong-password");
    expect(wrong.code, said(wrong)).toBe(5);
    expect(said(wrong)).toMatch(/password authentication failed.*passwordFile/);
    expect(said(wrong)).not.toContain("a-wrong-password");
    const none = await upWith(`{ url: "${url}" }`);
    expect(none.code, said(none)).toBe(5);
    expect(said(none)).toMatch(/name a passwordFile/);
    const unreadable = await upWith(`{ url: "${url}", passwordFile: etc/no.password }`);
    expect(unreadable.code, said(unreadable)).toBe(2);
    expect(said(unreadable)).toMatch(/cannot be read.*no\.password/);
    const inUrl = await upWith(`{ url: "${url.replace("@", ":s3cret@")}" }`);
    expect(inUrl.code, said(inUrl)).toBe(2);
    expect(said(inUrl)).toMatch(/passwordFile/);
    expect(said(inUrl)).not.toContain("s3cret");
  });

  it("says that there is no such database, and how to make it", async () => {
    const { url, password } = await newDatabase();
    const missing = await upWith(`{ url: "${url}_not", passwordFile: etc/db.password }`, password);
    expect(missing.code, said(missing)).toBe(3);
    expect(said(missing)).toMatch(/does not exist.*createdb --owner/);
  });

  it("says that the user may not make tables, and how it may", async () => {
    const { name, url, password } = await newDatabase();
    await admin.sql(`ALTER DATABASE ${name} OWNER TO CURRENT_USER`);
    const refused = await upWith(`{ url: "${url}", passwordFile: etc/db.password }`, password);
    expect(refused.code, said(refused)).toBe(5);
    expect(said(refused)).toMatch(/permission denied.*ALTER DATABASE/);
    await admin.sql(`ALTER DATABASE ${name} OWNER TO ${name}`);
  });

  it("says that no server answers", async () => {
    const dead = await upWith('{ url: "postgres://me@127.0.0.1:1/ips1" }');
    expect(dead.code, said(dead)).toBe(3);
    expect(said(dead)).toMatch(/ECONNREFUSED.*check that the server runs/);
    const unknown = await upWith('{ url: "postgres://me@no-such-host.invalid/ips1" }');
    expect(unknown.code, said(unknown)).toBe(3);
    expect(said(unknown)).toContain("no-such-host.invalid");
  });
});

describe("castellan doctor on PostgreSQL", () => {
  it("knows an empty database, then the server, the schema and the clock, then a schema that is too new", async () => {
    const { name, url, password } = await newDatabase();
    const home = await tempHome();
    cleanUp.push(() => home.remove());
    mkdirSync(home.path("etc"));
    writeFileSync(home.path("etc/db.password"), `${password}\n`, { mode: 0o600 });
    writeFileSync(home.path("castellan.yaml"), `database: { url: "${url}", passwordFile: etc/db.password }\n`);
    const look = async () => said(await runCli(["doctor", "--home", home.dir]));
    const empty = await look();
    // On a busy machine it is slow, which is told.
    expect(empty).toMatch(/(ok|warn) +database .*PostgreSQL \d+\.\d+.*it holds no node yet/);
    expect(empty).toMatch(/ok +schema +is made by the first/);
    expect(empty).toMatch(/ok +clock +agrees with the database within \d+ ms/);

    const clock = createSystemClock();
    const options = { url, passwordFile: home.path("etc/db.password"), clock, rng: systemRng, logger: silentLogger };
    await (await openGateway({ ...options, migrate: "ifEmpty" })).close();
    expect(await look()).toMatch(/ok +schema +version \d+/);
    await admin.sql("INSERT INTO schema_version VALUES (99, 'from-the-future', now(), 99)", name);
    expect(await look()).toMatch(/fail +schema +version 99; this program knows \d+\n +install the newer program/);
  });
});

describe("the password", () => {
  let node: TestNode;
  afterEach(() => node.dispose());

  it("is nowhere but in its file, and can be changed under a running node", async () => {
    node = await makeNode({ types: ONE });
    const outputs = [await node.up(), await node.cli("status"), await node.cli("status", "--json")];
    for (const output of outputs) expect(output.code, said(output)).toBe(0);
    const { password } = node.database;
    expect(password).toMatch(/^.{16}$/);

    const next = "changed-under-way";
    const worker = node.part("worker");
    const user = /postgres:\/\/(\w+)@/.exec(node.database.config)?.[1] ?? "";
    await admin.sql(`ALTER ROLE ${user} PASSWORD '${next}'`);
    writeFileSync(node.path("etc/db.password"), `${next}\n`);
    await admin.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user}'`);
    const stopped = await node.cli("stop");
    expect(stopped.code, said(stopped)).toBe(0);
    expect(node.part("worker")).toBe(worker);

    for (const secret of [password ?? "", next]) {
      const holders = filesBelow(node.home).filter((file) => readFileSync(file, "latin1").includes(secret));
      expect(holders).toEqual(secret === next ? [node.path("etc/db.password")] : []);
      expect(outputs.concat(stopped).map(said).join("")).not.toContain(secret);
      const programs = findProcesses(node.home);
      expect(programs.length).toBeGreaterThan(1);
      for (const { pid, command } of programs) {
        expect(command).not.toContain(secret);
        expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain(secret);
      }
    }
    expect(readFileSync(node.path("run/endpoints.json"), "utf8")).toContain(`postgres://${user}@`);
  });
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}
