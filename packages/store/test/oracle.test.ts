/** What is decided about Oracle without one: what its errors mean, how it is reached, what text is sent. */
import { describe, expect, it } from "vitest";
import { insert, insertIfAbsent, prune, update } from "../src/gateway.ts";
import { checkQuery, checkWrite } from "../src/schema/checked.ts";
import { nodeStateRow, operationRow, serverRow } from "../src/testing/rows.ts";
import { oracle } from "../src/typeorm/dialects/oracle.ts";
import { isAnswer } from "../src/typeorm/dialects/oracle-faults.ts";
import { batchText, readOutcome } from "../src/typeorm/oracle/commit-block.ts";
import { openingBlock, oracleParts } from "../src/typeorm/oracle/settings.ts";
import { renderQuery, renderWrite } from "../src/typeorm/statements.ts";
import { stepsFrom } from "../src/typeorm/steps.ts";

const thrown = (code: string, message = code): Error => Object.assign(new Error(message), { code });

describe("an error of Oracle or its driver", () => {
  it.each([
    ["ORA-00001", "duplicate"],
    ["ORA-02291", "reference"],
    ["ORA-02292", "reference"],
    ["ORA-00060", "busy"],
    ["ORA-08177", "busy"],
    ["ORA-00054", "busy"],
    ["ORA-01555", "busy"],
    ["NJS-123", "busy"],
    ["ORA-01033", "busy"],
    ["ORA-00942", "schema"],
    ["ORA-00904", "schema"],
    ["ORA-01017", "forbidden"],
    ["ORA-28000", "forbidden"],
    ["ORA-28001", "forbidden"],
    ["ORA-01031", "forbidden"],
    ["ORA-06550", "forbidden"],
    ["ORA-01653", "unavailable"],
    ["ORA-01654", "unavailable"],
    ["ORA-16000", "unavailable"],
    ["ORA-12514", "unavailable"],
    ["ORA-12541", "unavailable"],
    ["NJS-500", "unavailable"],
    ["NJS-503", "unavailable"],
    ["NJS-510", "unavailable"],
    ["NJS-518", "unavailable"],
    ["NJS-532", "unavailable"],
    ["ORA-03113", "unavailable"],
    ["ECONNRESET", "unavailable"],
    ["ORA-01400", "defect"],
    ["ORA-00900", "defect"],
    ["NJS-098", "defect"],
    ["", "defect"],
  ])("%s means %s", (code, kind) => {
    expect(oracle.classify(thrown(code))).toMatchObject({ kind });
  });

  it("of a block that does not compile is one of the schema when a table is missing", () => {
    const missing = thrown("ORA-06550", "ORA-06550: line 16\nPL/SQL: ORA-00942: table or view does not exist");
    expect(oracle.classify(missing)).toEqual({ kind: "schema" });
  });

  it.each([
    ["ORA-00001", true],
    ["ORA-00060", true],
    ["NJS-123", true],
    ["ORA-01653", true],
    ["NJS-500", false],
    ["NJS-501", false],
    ["ORA-03113", false],
    ["ORA-03114", false],
    ["ORA-12537", false],
    ["ORA-00028", false],
    ["ORA-01089", false],
    ["ECONNRESET", false],
    ["", false],
  ])("%s tells the end of a commit: %s", (code, tells) => {
    expect(isAnswer(thrown(code))).toBe(tells);
  });
});

describe("a URL of Oracle", () => {
  it.each([
    ["oracle://ips1@db:1521/NODE", { connectString: "tcp://db:1521/NODE", user: "ips1" }],
    [
      "oracle://ips1@db:2484/NODE?protocol=tcps&wallet_location=/etc/wallet&ssl_server_dn_match=yes",
      { connectString: "tcps://db:2484/NODE?wallet_location=/etc/wallet&ssl_server_dn_match=yes" },
    ],
    ["oracle://ips1@NODE_HIGH?tns_admin=/etc/oracle", { connectString: "NODE_HIGH", configDir: "/etc/oracle" }],
    ["oracle://db/NODE?protocol=tcps&auth=external", { externalAuth: true }],
    ["oracle://db/NODE?protocol=tcps&auth=token", { externalAuth: true }],
    ["oracle://ips%401@db/NODE", { user: "ips@1" }],
  ])("%s", (url, options) => {
    expect(oracleParts(url).options).toMatchObject(options);
  });

  it.each([
    ["oracle://db:1521/NODE", "the user is missing"],
    ["oracle://ips1@db:1521", "write oracle://"],
    ["oracle://ips1@db/NODE?auth=kerberos", "auth is"],
    ["oracle://ips1@db/NODE?protocol=beq", "protocol is"],
    [`oracle://ips1@db/NODE?schema=${encodeURIComponent('a" x')}`, "schema is"],
  ])("is refused: %s", (url, reason) => {
    expect(() => oracleParts(url)).toThrow(expect.objectContaining({ code: "DATABASE_URL" }));
    expect(() => oracleParts(url)).toThrow(reason);
  });

  it("may name the owner of the tables, and every session is told", () => {
    const { schema } = oracleParts("oracle://app@db/NODE?schema=ips1");
    expect(openingBlock(schema)).toContain('CURRENT_SCHEMA = "IPS1"');
    expect(openingBlock(null)).not.toContain("CURRENT_SCHEMA");
  });
});

describe("what is sent to Oracle", () => {
  it("has names in upper case, places by number, times by their format", () => {
    const query = checkQuery("node_state", {
      where: { epoch: 7, changed_at: { below: new Date(0) } },
      limit: 3,
      skip: 2,
    });
    const { sql, params } = renderQuery(oracle, query);
    expect(sql).toMatch(
      /^SELECT "ID", "EPOCH", .* FROM "NODE_STATE" WHERE "EPOCH" = :b0 AND "CHANGED_AT" < TO_TIMESTAMP_TZ\(:b1, /,
    );
    expect(sql).toMatch(/ORDER BY "ID" ASC NULLS FIRST OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY$/);
    expect(params).toEqual([7, "1970-01-01T00:00:00.000+00:00"]);
  });

  it("compares with an empty string as with one that comes before all others, for Oracle has none", () => {
    const { params } = renderQuery(
      oracle,
      checkQuery("node_cluster", { where: { physical_machine_name: { not: "" } } }),
    );
    expect(params).toEqual(["\0"]);
  });

  it("tells the block of each write what it may meet", () => {
    const writes = [
      insert("node_state", nodeStateRow()),
      insertIfAbsent("node_cluster", serverRow(1)),
      insert("operation", operationRow("a", { target: "x".repeat(2000) })),
      update("node_state", { id: 1 }, { fence: { add: 1 } }),
      prune("node_cluster", {}, 5),
    ];
    const steps: unknown = JSON.parse(batchText(writes.map((write) => renderWrite(oracle, checkWrite(write)))));
    expect(steps).toMatchObject([
      { expect: 1, mayExist: false },
      { expect: null, mayExist: true, sql: expect.stringMatching(/^INSERT INTO "NODE_CLUSTER" .* VALUES \(:b0, :b1/) },
      { expect: 1, params: expect.arrayContaining([{ long: "x".repeat(2000) }]) },
      { expect: 1, sql: 'UPDATE "NODE_STATE" SET "FENCE" = "FENCE" + :b0 WHERE "ID" = :b1', params: [1, 1] },
      { expect: null, sql: expect.stringContaining("WHERE ROWNUM <= 5") },
    ]);
  });

  it("reads what the block answers", () => {
    expect(readOutcome({ counts: "1,0,12", failed: null })).toMatchObject({ counts: [1, 0, 12] });
    expect(readOutcome({ counts: null, failed: 2, code: 0 })).toMatchObject({ counts: null, failed: 2, code: 0 });
    expect(readOutcome({ failed: 1, code: -1, reason: "ORA-00001: x" })).toMatchObject({ failed: 1, code: -1 });
  });

  it("makes tables with Oracle's types, and the unique master by an expression", async () => {
    const sql = (await stepsFrom(oracle, 0)).flatMap(({ statements }) => statements).join("\n");
    expect(sql).toContain('"PHYSICAL_MACHINE_NAME" varchar2(256 char) NOT NULL');
    expect(sql).toContain('"CHANGED_AT" TIMESTAMP(3) WITH TIME ZONE NOT NULL');
    expect(sql).toContain('"EPOCH" number(19) NOT NULL');
    expect(sql).toContain('"MASTER" number(1) NOT NULL');
    expect(sql).toContain(
      'CREATE UNIQUE INDEX "UQ_NODE_CLUSTER_MASTER" ON "NODE_CLUSTER" (CASE WHEN "MASTER" = 1 THEN "MASTER" END)',
    );
    const names = [...sql.matchAll(/"([^"]*)"/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(200);
    expect(names.filter((name) => name !== name?.toUpperCase())).toEqual([]);
  });
});
