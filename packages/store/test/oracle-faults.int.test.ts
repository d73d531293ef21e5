/** What can happen between us and an Oracle server, as far as it can be acted out without one: the ends of a commit, broken-off migrations. */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { type Clock, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { insert, update } from "@castellan/store";
import { type BrokenValue, type OpenGatewayOptions, openGateway } from "@castellan/store/typeorm";
import {
  type CommitMoment,
  eventually,
  freePort,
  type H2,
  oracleError,
  startH2,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkWrite } from "../src/schema/checked.ts";
import { nodeStateRow, serverRow } from "../src/testing/rows.ts";
import { oracle } from "../src/typeorm/dialects/oracle.ts";
import { dropTables } from "../src/typeorm/drop.ts";
import { openOracle, snapshotOracle } from "../src/typeorm/oracle/connection.ts";
import { renderWrite } from "../src/typeorm/statements.ts";
import { LABEL, oracleOn, type TestOracle } from "./oracle-h2.ts";

let h2: H2;
let database: TestOracle;
let databases = 0;
beforeAll(async () => {
  h2 = await startH2({ mode: "Oracle", settings: ["LOCK_TIMEOUT=200"] });
});
afterAll(() => h2.stop());
beforeEach(() => {
  databases += 1;
  database = oracleOn(h2, `faults${databases}`);
});
afterEach(() => database.remove());

const bump = update("node_state", { id: 1 }, { fence: { add: 1 } });
const lost = oracleError("NJS-500", "connection closed");

/** A clock on which all deadlines pass at once, when a test says so. */
function hastened(): Clock & { expire(): void } {
  const clock = createSystemClock();
  const pending = new Set<() => void>();
  return {
    now: () => clock.now(),
    bootMs: () => clock.bootMs(),
    after(delayMs, fire) {
      const once = (): void => {
        if (pending.delete(once)) fire();
      };
      pending.add(once);
      const timer = clock.after(delayMs * 20, once);
      return {
        cancel() {
          pending.delete(once);
          timer.cancel();
        },
      };
    },
    expire() {
      for (const fire of Array.from(pending)) fire();
    },
  };
}

/** Holds the next commit at that moment. */
function gateAt(at: CommitMoment) {
  const [held, gate, through] = [new AbortController(), new AbortController(), new AbortController()];
  database.double.onCommit = async (moment) => {
    if (moment !== at) return;
    database.double.onCommit = async () => undefined;
    const opened = once(gate.signal, "abort");
    held.abort();
    await opened;
    through.abort();
  };
  return { reached: once(held.signal, "abort"), open: () => gate.abort(), passed: once(through.signal, "abort") };
}

function located(clock: Clock) {
  const rim = { driver: database.double.driver, clock, logger: silentLogger };
  return { connect: () => openOracle({ url: "oracle://ips1@h2/TEST", passwordFile: null }, rim) };
}

describe(`a commit on ${LABEL}`, () => {
  it("whose answer is lost has happened, and is looked for by its sender", async () => {
    const gateway = await database.open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    database.double.onCommit = async (moment) => {
      if (moment === "committed") throw lost;
    };
    await expect(gateway.commit([bump])).rejects.toMatchObject({ code: "STORE_AMBIGUOUS", retryable: true });
    expect(await gateway.find("node_state")).toMatchObject([{ fence: 1 }]);
  });

  it("that is interrupted may have happened: it is looked for, not repeated", async () => {
    const gateway = await database.open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    let interrupted = 0;
    database.double.onCommit = async (moment) => {
      if (moment !== "committed" || interrupted > 0) return;
      interrupted += 1;
      throw oracleError("NJS-123", "call timeout of 3000 ms exceeded");
    };
    await expect(gateway.commit([bump])).rejects.toMatchObject({ code: "STORE_AMBIGUOUS", retryable: true });
    expect(interrupted).toBe(1);
    expect(await gateway.find("node_state")).toMatchObject([{ fence: 1 }]);
  });

  it("that is under way on a frozen server is waited for before anything is read", async () => {
    const clock = hastened();
    const gateway = await database.open({ ...located(clock) });
    await gateway.commit([insert("node_state", nodeStateRow())]);
    const gate = gateAt("written");
    const given = expect(gateway.commit([bump])).rejects.toMatchObject({ code: "STORE_AMBIGUOUS" });
    await gate.reached;
    clock.expire();
    await given;
    await expect(gateway.find("node_state")).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("still under way"),
    });
    gate.open();
    expect(await gateway.find("node_state")).toMatchObject([{ fence: 1 }]);
  });

  it("that reaches the server after it was given up is refused there", async () => {
    const clock = hastened();
    const gateway = await database.open({ ...located(clock) });
    await gateway.commit([insert("node_state", nodeStateRow())]);
    const gate = gateAt("arrived");
    const given = expect(gateway.commit([bump])).rejects.toMatchObject({ code: "STORE_AMBIGUOUS" });
    await gate.reached;
    clock.expire();
    await given;
    expect(await gateway.find("node_state")).toMatchObject([{ fence: 0 }]);
    gate.open();
    await gate.passed;
    await gateway.commit([update("node_state", { id: 1 }, { epoch: { add: 1 } })]);
    expect(await gateway.find("node_state")).toMatchObject([{ fence: 0, epoch: 1 }]);
  });

  it("leaves no ticket behind, and none of a lost one that stands in the way", async () => {
    const gateway = await database.open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    await gateway.commit([bump]);
    expect(await database.sql(`SELECT COUNT(*) FROM "COMMIT_TICKET"`)).toEqual([[0]]);
  });

  it("that meets a row which somebody holds is interrupted, and has written nothing when it is looked for", async () => {
    const gateway = await database.open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    const holder = await h2.session(`faults${databases}`);
    await holder.begin();
    await holder.run(`UPDATE "NODE_STATE" SET "FENCE" = 5`);
    const connection = located(createSystemClock()).connect();
    const statement = renderWrite(oracle, checkWrite(bump));
    const thrown: unknown = await connection.commit([statement]).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "STORE_AMBIGUOUS", cause: { code: "NJS-123" } });
    await holder.close();
    expect(await gateway.find("node_state")).toMatchObject([{ fence: 0 }]);
    expect(await connection.commit([statement])).toEqual([1]);
    expect(await gateway.find("node_state")).toMatchObject([{ fence: 1 }]);
    await connection.close();
  });
});

describe(`a migration on ${LABEL}`, () => {
  it("that was broken off after any statement is completed by the next one", async () => {
    const { driver } = database.double;
    const full = oracleError("ORA-01658", "unable to create INITIAL extent");
    let budget = 0;
    const failing = {
      ...driver,
      getConnection: async (options: Readonly<Record<string, unknown>>) => {
        const session = await driver.getConnection(options);
        return {
          ...session,
          execute: async (...said: Parameters<typeof session.execute>) => {
            if (said[0].startsWith("CREATE") && (budget -= 1) < 0) throw full;
            return await session.execute(...said);
          },
        };
      },
    };
    let runs = 0;
    for (; runs < 20; runs += 1) {
      budget = 12 * (runs + 1);
      const gateway = await database.open({ migration: database.migration(failing) }).catch((thrown: unknown) => {
        expect(thrown).toMatchObject({ code: "STORE_UNAVAILABLE" });
        return null;
      });
      if (gateway !== null) break;
    }
    expect(runs).toBeGreaterThan(2);
    const whole = oracleOn(h2, `whole${databases}`);
    await whole.open();
    const catalogue = `SELECT TABLE_NAME, INDEX_NAME FROM INFORMATION_SCHEMA.INDEXES WHERE TABLE_SCHEMA = 'PUBLIC' AND INDEX_NAME NOT LIKE 'PRIMARY_KEY%' AND INDEX_NAME NOT LIKE 'FK%' ORDER BY 1, 2`;
    expect(await database.sql(catalogue)).toEqual(await whole.sql(catalogue));
    await whole.remove();
  });
});

describe(`the end of a schema on ${LABEL}`, () => {
  it("leaves no table but the lock of migrations, and can be asked for twice", async () => {
    await (await database.open()).close();
    for (const wasThere of [true, false]) {
      const session = await database.migration(database.double.driver)();
      expect(await dropTables(oracle, session)).toBe(wasThere);
      await session.commit();
      await session.close();
    }
    const left = await database.sql("SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'PUBLIC'");
    expect(left).toEqual([["MIGRATION_LOCK"]]);
    expect(await (await database.open()).find("nodes")).toEqual([]);
  });
});

describe(`a session on ${LABEL}`, () => {
  it("is one of four, however many ask, and none is left after the end", async () => {
    const gateway = await database.open();
    await gateway.commit([insert("node_cluster", serverRow(1))]);
    const answers = await Promise.all(Array.from({ length: 40 }, () => gateway.find("node_cluster")));
    expect(answers.every((rows) => rows.length === 1)).toBe(true);
    expect(database.double.sessions()).toBeLessThanOrEqual(4);
    await gateway.close();
    expect(database.double.sessions()).toBe(0);
  });

  it("of a snapshot sees one moment, and writes nothing", async () => {
    const gateway = await database.open();
    await gateway.commit([insert("node_cluster", serverRow(1))]);
    const rim = { driver: database.double.driver, clock: createSystemClock(), logger: silentLogger };
    const snapshot = await snapshotOracle({ url: "oracle://ips1@h2/TEST", passwordFile: null }, rim);
    const count = { sql: `SELECT COUNT(*) AS "n" FROM "NODE_CLUSTER"`, params: [] };
    expect(await snapshot.read(count)).toEqual([{ n: 1 }]);
    await gateway.commit([insert("node_cluster", serverRow(2))]);
    expect(await snapshot.read(count)).toEqual([{ n: 1 }]);
    await expect(snapshot.commit([])).rejects.toMatchObject({ code: "READ_ONLY" });
    await snapshot.close();
    expect(await gateway.find("node_cluster")).toHaveLength(2);
  });

  it("of a snapshot is given up when the server is silent, and no socket is left", async () => {
    await database.open();
    const clock = hastened();
    const { driver } = database.double;
    let asked = 0;
    const silent = {
      ...driver,
      getConnection: async (options: Readonly<Record<string, unknown>>) => {
        const session = await driver.getConnection(options);
        return {
          ...session,
          execute: async (...said: Parameters<typeof session.execute>) => {
            if (!said[0].startsWith("SET TRANSACTION")) return await session.execute(...said);
            asked += 1;
            return await new Promise<never>(() => undefined);
          },
        };
      },
    };
    const before = database.double.sessions();
    const rim = { driver: silent, clock, logger: silentLogger };
    const given = expect(
      snapshotOracle({ url: "oracle://ips1@h2/TEST", passwordFile: null }, rim),
    ).rejects.toMatchObject({ code: "NJS-500" });
    await eventually(() => asked === 1);
    clock.expire();
    await given;
    await eventually(() => database.double.sessions() === before);
  });

  it("says what server it is, and what time it is there", async () => {
    await database.open();
    const rim = { driver: database.double.driver, clock: createSystemClock(), logger: silentLogger };
    const connection = openOracle({ url: "oracle://ips1@h2/TEST", passwordFile: null }, rim);
    const [about] = await connection.read({ sql: oracle.aboutServer, params: [] });
    expect(about?.["server"]).toMatch(/^Oracle/);
    expect(Math.abs(Number(about?.["now_ms"]) - Date.now())).toBeLessThan(60_000);
    await connection.close();
  });

  it("reads a row that somebody has broken as something mild, and names it once", async () => {
    const gateway = await database.open();
    await gateway.commit([insert("node_cluster", serverRow(1)), insert("node_cluster", serverRow(2))]);
    await database.sql(`ALTER TABLE "NODE_CLUSTER" ALTER COLUMN "PHYSICAL_MACHINE_NAME" SET NULL`);
    await database.sql(`UPDATE "NODE_CLUSTER" SET "PHYSICAL_MACHINE_NAME" = NULL WHERE "LOGICAL_MACHINE_ID" = 2`);
    const broken: BrokenValue[] = [];
    const again = await database.open({ onBrokenValue: (value) => void broken.push(value) });
    const rows = await again.find("node_cluster");
    expect(rows.map((row) => row.physical_machine_name)).toEqual(["server-1", "-"]);
    expect(broken).toMatchObject([{ table: "node_cluster", column: "physical_machine_name" }]);
  });
});

describe("an Oracle server that is not there, through the unmodified driver", () => {
  let home: TempHome;
  let passwordFile: string;
  beforeAll(async () => {
    home = await tempHome();
    passwordFile = home.path("password");
    await writeFile(passwordFile, "s3cret\n");
  });
  afterAll(() => home.remove());
  const open = (url: string, over: Partial<OpenGatewayOptions> = { passwordFile }) =>
    openGateway({ url, clock: createSystemClock(), rng: systemRng, logger: silentLogger, migrate: "never", ...over });

  it("refuses at once, by name and without a secret", async () => {
    await expect(open(`oracle://ips1@127.0.0.1:${await freePort()}/NODE`)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/^oracle:\/\/ips1@127.*check that the server runs/),
    });
    await expect(open("oracle://ips1@127.0.0.1/NODE", {})).rejects.toMatchObject({ code: "STORE_FORBIDDEN" });
    for (const url of ["oracle://ips1:tiger@127.0.0.1/NODE", "oracle://ips1@127.0.0.1/NODE?wallet_password=tiger"]) {
      await expect(open(url)).rejects.toMatchObject({
        code: "DATABASE_URL",
        message: expect.not.stringContaining("tiger"),
      });
    }
  });

  it("is given up when it is silent", async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => void sockets.add(socket));
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : 0;
    await expect(open(`oracle://ips1@127.0.0.1:${port}/NODE`)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
    expect(sockets.size).toBeGreaterThan(0);
  });
});
