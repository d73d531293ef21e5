/** Installing the servers of a node: in order it is done, out of order it is refused with what to do instead. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  type CliResult,
  eventually,
  freePort,
  killAll,
  type Postgres,
  postgres,
  runCli,
  startCli,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { said } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

/** As a shell tells of kill -9. */
const KILLED = 137;
const OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
const WAITS = `SELECT wait_event_type || ' ' || wait_event ${OTHERS}`;
const END_THEM = `SELECT pg_terminate_backend(pid) ${OTHERS}`;

let server: Postgres;
let temp: TempHome;
beforeAll(async () => {
  server = await postgres();
  temp = await tempHome("castellan-install-");
});
afterAll(async () => {
  await killAll(temp.dir);
  await temp.remove();
  await server.stop();
});

const castellan = (home: string, ...args: string[]): Promise<CliResult> =>
  runCli([...args, "--home", temp.path(home)], { timeoutMs: 90_000 });

/** A database of its own, as the options of `init` and `join` name it. */
async function database(name: string): Promise<string[]> {
  const { url, password } = await server.database();
  writeFileSync(temp.path(`${name}.password`), `${password}\n`, { mode: 0o600 });
  return ["--database", url, "--password-file", temp.path(`${name}.password`)];
}

async function addresses(): Promise<string[]> {
  return ["--listen", `127.0.0.1:${await freePort()}`, "--cluster", `127.0.0.1:${await freePort()}`];
}

function refused(result: CliResult, words: RegExp, code = 1): void {
  expect(said(result)).toMatch(words);
  expect(result.code, said(result)).toBe(code);
}

describe("installing in another order than master, slaves", () => {
  it("is refused by name, and what fits is done once", async () => {
    const db = await database("order");
    refused(await castellan("zeus", "join", "--server", "zeus", ...db), /holds no node yet.*castellan init/);
    refused(await castellan("zeus", "join", "--server", "zeus"), /castellan schema move/);
    refused(
      await castellan("zeus", "join", "--server", "zeus", "--database", `sqlite:${temp.path("x.db")}`),
      /for one host.*castellan schema move/,
    );

    const init = await castellan("hades", "init", "--node", "ips1", "--server", "hades", ...db);
    expect(init.code, said(init)).toBe(0);
    expect(init.stdout).toContain("made the schema of node ips1");
    refused(await castellan("hades", "init"), /already: nothing was written/);
    refused(await castellan("hera", "init", "--server", "hera", ...db), /holds node ips1 already.*castellan join/);
    refused(await castellan("hera", "init", "--node", "other", ...db), /holds node ips1: other needs a database/);
    // Its bus is on loopback, on a port that nobody else is told.
    refused(
      await castellan("zeus", "join", "--server", "zeus", ...db),
      /bus of hades is its own[\s\S]*nats: \{ listen/,
    );
  });

  it("is refused for a server that differs in what all must have in common, each by name with both values", async () => {
    const db = await database("same");
    const bus = await addresses();
    const init = await castellan("one", "init", "--node", "ips1", "--server", "hades", ...db, ...bus, "--plain");
    expect(init.code, said(init)).toBe(0);
    const join = async (home: string, ...more: string[]) =>
      await castellan(home, "join", "--server", "zeus", ...db, ...(await addresses()), ...more);
    refused(await castellan("two", "join", "--server", "zeus", ...db), /say where this one is reached.*--listen/);
    refused(await join("two", "--node", "other"), /node's name is other here, ips1 as recorded/);
    const external = await castellan("two", "join", "--server", "zeus", ...db, "--bus", "nats://127.0.0.1:1");
    refused(external, /NATS cluster is external here, castellan_ips1 as recorded/);

    const joined = await join("two");
    expect(joined.code, said(joined)).toBe(0);
    expect(joined.stdout).toContain("zeus (#2) is a member of node ips1 now, with hades");
    const again = await join("two");
    expect(again.code, said(again)).toBe(0);
    expect(again.stdout).toContain("already: nothing was changed");
    const servers = z
      .array(z.object({ name: z.string() }))
      .parse(JSON.parse((await castellan("one", "server", "list", "--json")).stdout));
    expect(servers.map(({ name }) => name)).toEqual(["hades", "zeus"]);

    // With nobody up who would take over what the bus holds there, a slave does not begin to leave.
    refused(await castellan("two", "leave"), /no other server is up that takes over.*zeus: bring hades up/, 3);

    // A home remembers its schema: another one of the same name is not it, whoever is asked.
    const known = readFileSync(temp.path("two/data/schema-id"), "utf8");
    writeFileSync(temp.path("two/data/schema-id"), "another\n");
    refused(await join("two"), /the schema is another here, \S+ as recorded/);
    for (const command of [["up", "--detach"], ["leave"], ["uninstall", "--yes"]]) {
      refused(await castellan("two", ...command), /the schema is another here, \S+ as recorded/);
    }
    writeFileSync(temp.path("two/data/schema-id"), known);

    // What was changed behind its back is found when it starts.
    await server.sql("UPDATE node_parameter SET value = 'abcd' WHERE name = 'trust_root'", nameIn(db));
    const up = await castellan("two", "up", "--detach");
    refused(up, /authority of the certificates is none here, abcd as recorded/);
  });

  it("takes the schema last, and nothing without a word", async () => {
    mkdirSync(temp.path("alone"));
    const init = await castellan("alone", "init", "--server", "hades");
    expect(init.code, said(init)).toBe(0);
    writeFileSync(temp.path("alone/etc/types.yaml"), ONE);
    refused(await castellan("alone", "leave"), /only server of its node.*castellan uninstall/);
    refused(await castellan("alone", "uninstall"), /say --yes/);
    const done = await castellan("alone", "uninstall", "--schema", "--yes");
    expect(done.code, said(done)).toBe(0);
    expect((await castellan("alone", "status")).code).toBe(3);
  });

  it("leaves the authority of its certificates where the schema stays, and a server comes back by it", async () => {
    const db = await database("authority");
    const bus = await addresses();
    const asHades = ["--server", "hades", ...db, ...bus];
    const init = await castellan("root", "init", "--node", "ips1", ...asHades);
    expect(init.code, said(init)).toBe(0);
    const authority = temp.path("root/etc/trust/authority.pem");
    const key = readFileSync(authority, "utf8");
    const gone = await castellan("root", "uninstall", "--yes");
    expect(gone.code, said(gone)).toBe(0);
    expect(gone.stdout).toContain(`kept: ${authority}`);
    expect(readFileSync(authority, "utf8")).toBe(key);
    expect(existsSync(temp.path("root/etc/trust/server.pem"))).toBe(false);

    refused(await castellan("new-root", "init", ...asHades), /castellan join --server hades/);
    refused(await castellan("new-root", "join", ...asHades), /authority of the certificates is none here/);
    const back = await castellan("root", "join", ...asHades);
    expect(back.code, said(back)).toBe(0);
    // What was carried to another server is gone on with there.
    const issue = await castellan("root", "cert", "issue", "zeus", "--address", "127.0.0.1", "--out", temp.path("for"));
    expect(issue.code, said(issue)).toBe(0);
    const second = ["join", "--server", "zeus", ...db, ...(await addresses()), "--trust", temp.path("for")];
    const joined = await castellan("zeus", ...second);
    expect(joined.code, said(joined)).toBe(0);
    for (const name of ["ca.pem", "authority.pem", "issued"]) {
      cpSync(temp.path("root/etc/trust", name), temp.path("zeus/etc/trust", name), { recursive: true });
    }
    const renewed = await castellan("zeus", "cert", "renew");
    expect(renewed.code, said(renewed)).toBe(0);
    const hera = await castellan("zeus", "cert", "issue", "hera", "--address", "127.0.0.1", "--out", temp.path("hera"));
    expect(hera.code, said(hera)).toBe(0);
    const third = ["join", "--server", "hera", ...db, ...(await addresses()), "--trust", temp.path("hera")];
    expect(said(await castellan("third", ...third))).toContain("hera (#3) is a member of node ips1 now");
  });

  it("that was given up before the schema was touched asks everything anew, and takes no schema without its word", async () => {
    mkdirSync(temp.path("given-up"));
    const init = await castellan("given-up", "init", "--server", "hades");
    expect(init.code, said(init)).toBe(0);
    const id = readFileSync(temp.path("given-up/data/schema-id"), "utf8").trim();
    writeFileSync(temp.path("given-up/data/uninstalling"), `${id}\nhades\n`);
    const done = await castellan("given-up", "uninstall", "--yes");
    expect(done.code, said(done)).toBe(0);
    expect(existsSync(temp.path("given-up/data/castellan.db"))).toBe(true);
    expect(existsSync(temp.path("given-up/data/uninstalling"))).toBe(false);
    // Its server comes back to the schema that was kept.
    refused(await castellan("given-up", "init"), /holds a schema already.*castellan join/);
    refused(await castellan("given-up", "join", "--server", "zeus"), /knows hades: castellan join --server hades/);
    const back = await castellan("given-up", "join", "--server", "hades");
    expect(back.code, said(back)).toBe(0);
    const end = await castellan("given-up", "uninstall", "--schema", "--yes");
    expect(end.code, said(end)).toBe(0);

    const apart = ["--server", "hades", "--database", `sqlite:${temp.path("apart.db")}`];
    for (const command of ["init", "uninstall", "join"]) {
      const result = await castellan("apart", command, ...(command === "uninstall" ? ["--yes"] : apart));
      expect(result.code, said(result)).toBe(0);
    }
  });

  it("is run again after it was killed while it took the schema away", async () => {
    const db = await database("killed");
    const init = ["init", "--server", "hades", ...db];
    const made = await castellan("killed", ...init);
    expect(made.code, said(made)).toBe(0);
    // Somebody reads a table meanwhile: it cannot be dropped until that is over.
    const reading = "BEGIN; TABLE node_parameter; SELECT pg_sleep(55)";
    const reader = server.sql(reading, nameIn(db)).catch(() => "ended");
    const waiting = (on: string) =>
      eventually(async () => expect(await server.sql(WAITS, nameIn(db))).toContain(on), { withinMs: 30_000 });
    await waiting("PgSleep");
    const args = ["uninstall", "--schema", "--yes", "--home", temp.path("killed")];
    const running = startCli(args);
    await waiting("Lock");
    running.signal("SIGKILL");
    expect((await running.ended).code).toBe(KILLED);
    expect(existsSync(temp.path("killed/data/uninstalling"))).toBe(true);
    await server.sql(END_THEM, nameIn(db));
    expect(await reader).toBe("ended");

    const again = await runCli(args, { timeoutMs: 90_000 });
    expect(again.code, said(again)).toBe(0);
    expect(again.stdout).toContain("the schema of node castellan is gone");
    expect(existsSync(temp.path("killed/castellan.yaml"))).toBe(false);
    const anew = await castellan("anew", ...init);
    expect(anew.code, said(anew)).toBe(0);
  });

  it("goes on where it was cut short, and leaves a schema alone that was made there since", async () => {
    const db = await database("cut");
    const init = async (home: string) => {
      const made = await castellan(home, "init", "--server", "hades", ...db);
      expect(made.code, said(made)).toBe(0);
    };
    await init("cut");
    const id = readFileSync(temp.path("cut/data/schema-id"), "utf8").trim();
    // As it is left when half of the tables are gone, by a database that drops each by itself.
    writeFileSync(temp.path("cut/data/uninstalling"), `${id}\nhades\n`);
    await server.sql("DROP TABLE node_cluster CASCADE; DROP TABLE node_parameter", nameIn(db));
    refused(await castellan("cut", "uninstall"), /goes on uninstalling hades.*say --yes/);
    const done = await castellan("cut", "uninstall", "--yes");
    expect(done.code, said(done)).toBe(0);
    expect(done.stdout).toContain("hades uninstalled");
    expect(existsSync(temp.path("cut/castellan.yaml"))).toBe(false);

    await init("new");
    writeFileSync(temp.path("new/data/uninstalling"), `${id}\nhades\n`);
    const other = await castellan("new", "uninstall", "--yes");
    expect(other.code, said(other)).toBe(0);
    refused(await castellan("again", "init", "--server", "hades", ...db), /holds node castellan already/);
  });
});

const nameIn = (db: readonly string[]): string => new URL(db[1] ?? "").pathname.slice(1);
