/** What is decided about SQL Server without one: what its errors mean, how it is reached, what text is sent. */
import { describe, expect, it } from "vitest";
import { insert, insertIfAbsent, prune, update, type Write } from "../src/gateway.ts";
import { checkQuery, checkWrite } from "../src/schema/checked.ts";
import { tables } from "../src/schema/tables.ts";
import { itemRow, nodeStateRow, operationRow, serverRow } from "../src/testing/rows.ts";
import { mssql } from "../src/typeorm/dialects/mssql.ts";
import { COMMIT_BATCH, GUARD_MISSED, parseCommitAnswer } from "../src/typeorm/dialects/mssql-commit.ts";
import { createLostCommits } from "../src/typeorm/mssql/lost-commits.ts";
import { mssqlSettings } from "../src/typeorm/mssql/settings.ts";
import { renderQuery, renderWrite } from "../src/typeorm/statements.ts";

const rendered = (write: Write) => renderWrite(mssql, checkWrite(write));

describe("an error of SQL Server", () => {
  it.each([
    [2627, "duplicate"],
    [2601, "duplicate"],
    [547, "reference"],
    [1205, "busy"],
    [1222, "busy"],
    [3960, "busy"],
    [208, "schema"],
    [207, "schema"],
    [229, "forbidden"],
    [262, "forbidden"],
    [916, "forbidden"],
    [18_456, "forbidden"],
    [4060, "unavailable"],
    [1105, "unavailable"],
    [9002, "unavailable"],
    [3906, "unavailable"],
    [823, "unavailable"],
    [596, "unavailable"],
    [515, "defect"],
    [102, "defect"],
    [8152, "defect"],
  ])("%i means %s", (number, kind) => {
    expect(mssql.classify(Object.assign(new Error("x"), { number, code: "EREQUEST" }))).toMatchObject({ kind });
  });

  it.each([
    ["ESOCKET", "Failed to connect to db:1433 - connect ECONNREFUSED", "unavailable", true],
    ["ESOCKET", "Connection lost - read ECONNRESET", "unavailable", true],
    ["ESOCKET", "Failed to connect to nowhere:1433 - getaddrinfo ENOTFOUND", "unavailable", false],
    ["ETIMEOUT", "Failed to connect to db:1433 in 2000ms", "unavailable", false],
    ["ECLOSE", "Connection closed before request completed.", "unavailable", true],
    ["ECONNRESET", "socket hang up", "unavailable", true],
    ["ELOGIN", "Login failed for user 'ips1'.", "forbidden", undefined],
    ["ELOGIN", 'Cannot open database "ips1" requested by the login. The login failed.', "unavailable", false],
    ["EPARAM", "Invalid parameter", "defect", undefined],
  ])("of the driver, %s: %s", (code, message, kind, passing) => {
    const fault = mssql.classify(Object.assign(new Error(message), { code }));
    expect(fault).toMatchObject({ kind });
    expect("passing" in fault ? fault.passing : undefined).toBe(passing);
  });

  it("of its pool is one of waiting", () => {
    const impatient = Object.assign(new Error("operation timed out"), { name: "TimeoutError" });
    expect(mssql.classify(impatient)).toMatchObject({ kind: "unavailable" });
    expect(mssql.classify(new TypeError("x is not a function"))).toEqual({ kind: "defect" });
  });
});

describe("a URL of SQL Server", () => {
  it.each([
    ["mssql://ips1@db/node", { server: "db", port: 1433, database: "node", options: { encrypt: true, useUTC: true } }],
    ["mssql://ips1@db:1435/node?encrypt=false", { port: 1435, options: { encrypt: false } }],
    [
      "mssql://ips1@db/node?encrypt=strict&hostNameInCertificate=x",
      { options: { encrypt: "strict", serverName: "x" } },
    ],
    ["mssql://ips1@db/node?trustServerCertificate=true", { options: { trustServerCertificate: true } }],
    ["mssql://dom%5Cips1@[::1]/node", { server: "::1", authentication: { options: { userName: "dom\\ips1" } } }],
    [
      "mssql://ips1@db/node?authentication=ntlm&domain=CORP",
      { authentication: { type: "ntlm", options: { domain: "CORP", password: "secret" } } },
    ],
    [
      "mssql://db/node?authentication=azure-service-principal&clientId=c&tenantId=t",
      { authentication: { options: { clientId: "c", tenantId: "t", clientSecret: "secret" } } },
    ],
  ])("%s", (url, config) => {
    expect(mssqlSettings(url).config("secret", "serving")).toMatchObject(config);
  });

  it("names an instance instead of a port", () => {
    const config = mssqlSettings("mssql://ips1@db/node?instanceName=X").config(null, "migrating");
    expect(config).toMatchObject({ options: { instanceName: "X" }, pool: { max: 1 } });
    expect(config.port).toBeUndefined();
  });

  it.each([
    ["mssql://ips1@db", "names no database"],
    ["mssql://ips1@db/node?encrypt=maybe", "encrypt is true or false"],
    ["mssql://ips1@db/node?clientSecret=x", "it says clientSecret"],
    ["mssql://ips1@db/node?authentication=kerberos", "authentication is one of"],
    ["mssql://ips1@db:1/node?instanceName=x", "not by both"],
    ["mssql://ips1@db/node?encrypt=false&ca=x", "no encryption"],
    ["mssql://ips1@db/node?ca=/nowhere/ca.pem", "its ca cannot be read"],
  ])("is refused: %s", (url, reason) => {
    expect(() => mssqlSettings(url)).toThrow(reason);
  });
});

describe("what is sent to SQL Server", () => {
  it("reads by numbered parameters; times are never the legacy type", () => {
    const query = { where: { epoch: 7, changed_at: { below: new Date(0) } }, limit: 3, skip: 2 } as const;
    const { sql, params } = renderQuery(mssql, checkQuery("node_state", query));
    expect(sql).toMatch(
      /WHERE "epoch" = @0 AND "changed_at" < CAST\(@1 AS datetime2\(3\)\) ORDER BY "id" ASC OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY$/,
    );
    expect(params).toEqual([7, "1970-01-01T00:00:00.000"]);
    expect(renderQuery(mssql, checkQuery("node_state", { limit: 0 })).sql).toMatch(/^SELECT TOP \(0\) /);
  });

  it("has one text for a write, whatever its values are", () => {
    expect(rendered(insert("operation", operationRow("a"))).sql).toBe(
      rendered(insert("operation", operationRow("b", { target: "x".repeat(9000), result_text: "done" }))).sql,
    );
  });

  it("tells a blank at the end from none, which SQL Server does not", () => {
    for (const text of ["a", "a ", "a  ", " ", "a\u2060", "a \u2060"]) {
      const stored = mssql.encode(text);
      expect(String(stored)).not.toMatch(/ $/);
      expect(mssql.decode(tables.operation.columns.id, stored)).toBe(text);
    }
    expect(new Set(["a", "a ", "a\u2060", "a \u2060"].map((text) => mssql.encode(text))).size).toBe(4);
    // Room for the mark: the longest text may end with a blank.
    expect(mssql.columnWords(tables.operation.columns.id)).toMatchObject({ type: "nvarchar", length: "37" });
  });

  it("looks for every key of a row that may be there, and holds what it looked at", () => {
    const { sql } = rendered(insertIfAbsent("work_item", itemRow(1)));
    const looks = [
      ...sql.matchAll(/NOT EXISTS \(SELECT 1 FROM "work_item" WITH \(UPDLOCK, HOLDLOCK\) WHERE ("\w+") = /g),
    ];
    expect(looks.map(([, column]) => column)).toEqual(['"case_number"', '"open_cause"']);
    expect(rendered(insertIfAbsent("node_cluster", serverRow(1))).sql).toMatch(
      /"master" = CAST\([^"]*\) AND "master" = 1\)/,
    );
  });

  it("removes a part by its order, also where a key has several columns", () => {
    expect(rendered(prune("work_item_event", { published: true }, 5)).sql).toBe(
      `WITH "doomed" AS (SELECT TOP (5) * FROM "work_item_event" WHERE "published" = CAST(JSON_VALUE(@p, '$[0]') AS smallint) ORDER BY "case_number", "seq") DELETE FROM "doomed"`,
    );
  });

  it("is one constant text for every commit, which ends its transaction itself", () => {
    expect(COMMIT_BATCH.match(/BEGIN TRANSACTION|COMMIT TRANSACTION|ROLLBACK TRANSACTION/g)).toEqual([
      "BEGIN TRANSACTION",
      "COMMIT TRANSACTION",
      "ROLLBACK TRANSACTION",
    ]);
    expect(COMMIT_BATCH).toMatch(/^SET NOCOUNT ON;\nSET XACT_ABORT ON;/);
    expect(rendered(update("node_state", { id: 1 }, { fence: { add: 1 } })).sql).toBe(
      `UPDATE "node_state" SET "fence" = "fence" + CAST(JSON_VALUE(@p, '$[0]') AS bigint) WHERE "id" = CAST(JSON_VALUE(@p, '$[1]') AS int)`,
    );
    expect(rendered(insert("node_state", nodeStateRow())).params).toHaveLength(9);
  });
});

describe("the answer to a commit", () => {
  it("is how many rows each write touched, or what was refused and where", () => {
    expect(parseCommitAnswer({ counts: " 1 0 12", refused: null, words: null, reached: 3 })).toEqual({
      counts: [1, 0, 12],
    });
    expect(
      parseCommitAnswer({ counts: null, refused: GUARD_MISSED, words: "a guard missed", reached: 2 }),
    ).toMatchObject({
      refused: { number: GUARD_MISSED },
      reached: 2,
    });
  });

  it.each([undefined, {}, { counts: null, refused: null }])("is nothing else: %j", (row) => {
    expect(() => parseCommitAnswer(row)).toThrow(TypeError);
  });
});

describe("commits that were lost", () => {
  it("are asked for until each has ended", async () => {
    const lost = createLostCommits();
    const asked: string[] = [];
    const under = new Set(["b"]);
    const isEnded = async (ticket: string): Promise<boolean> => {
      asked.push(ticket);
      return !under.has(ticket);
    };
    expect(await lost.settle(isEnded)).toBe(true);
    lost.add("a");
    lost.add("b");
    expect(await lost.settle(isEnded)).toBe(false);
    under.clear();
    expect(await lost.settle(isEnded)).toBe(true);
    expect(await lost.settle(isEnded)).toBe(true);
    expect(asked).toEqual(["a", "b", "b"]);
  });
});
