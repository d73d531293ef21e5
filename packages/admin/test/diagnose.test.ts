import { describe, expect, it } from "vitest";
import { type DiagnosedFacts, diagnose, type Finding } from "../src/index.ts";

type Reached = Extract<DiagnosedFacts["bus"]["link"], { kind: "reached" }>;
type Ready = Extract<Reached["jetStream"], { kind: "ready" }>;

const ready: Ready = {
  kind: "ready",
  usedBytes: 10,
  maxBytes: 100,
  hasEventsStream: true,
  skew: { ms: 4, offByMs: 1 },
};
const reached: Reached = { kind: "reached", ms: 3, version: "2.15.1", jetStream: ready };

type Database = Extract<DiagnosedFacts["database"], { kind: "reached" }>;

const onPostgres: Database = {
  url: "postgres://db/ips1",
  kind: "reached",
  ms: 5,
  server: "PostgreSQL 15.8",
  schema: { found: 1, needed: 1, fit: "same" },
  skew: { ms: -6, offByMs: 1 },
  node: "ips1",
  wantedNode: "ips1",
  writeProblem: null,
  releases: [
    { server: "hades", program: "0.2.0" },
    { server: "zeus", program: "0.2.0" },
  ],
};

const well: DiagnosedFacts = {
  release: "0.2.0",
  node: { version: "20.20.2" },
  limits: { openFiles: 20_000 },
  tools: { fallocate: { version: "util-linux 2.38.1" } },
  home: { dir: "/srv/ips1", exists: true, owner: 7, user: 7, unwritable: [], open: [] },
  settingsProblem: null,
  secrets: [],
  certificate: { kind: "none", isShared: false },
  pair: { worker: 11, watcher: 12, refused: null },
  bus: {
    kind: "external",
    program: null,
    url: "nats://bus:4222",
    link: reached,
  },
  database: onPostgres,
  disks: {
    file: "/srv/ips1/fspart",
    problems: [],
    paths: [{ path: "/", freeBytes: 10, minimumBytes: 5, reason: null }],
  },
  errorFiles: { files: 2, refused: [] },
};

const findingOf = (facts: Partial<DiagnosedFacts>, check: string): Finding | undefined =>
  diagnose({ ...well, ...facts }).find((finding) => finding.check === check);

const certificateWith = (...problems: { isFatal: boolean; message: string; remedy: string }[]) =>
  ({ kind: "used", file: "/p", until: new Date(Date.UTC(2027, 0, 1)), problems }) as const;
const link = (over: Partial<Reached>): DiagnosedFacts["bus"] => ({ ...well.bus, link: { ...reached, ...over } });
const database = (over: Partial<Database>): Partial<DiagnosedFacts> => ({ database: { ...onPostgres, ...over } });
const jetStream = (over: Partial<Ready>): DiagnosedFacts["bus"] => link({ jetStream: { ...ready, ...over } });
const failed = (code: string, message: string): DiagnosedFacts["bus"] => ({
  ...well.bus,
  link: { kind: "failed", code, message },
});

describe("a diagnosis", () => {
  it("finds nothing wrong with a server that is well, and says what it looked at", () => {
    const findings = diagnose(well);
    expect(findings.map(({ verdict }) => verdict)).toEqual(findings.map(() => "ok"));
    expect(findings.map(({ check }) => check)).toEqual([
      "Node.js",
      "limits",
      "util-linux",
      "home",
      "settings",
      "secrets",
      "certificate",
      "database",
      "schema",
      "release",
      "bus",
      "JetStream",
      "clock",
      "sentinel",
      "disks",
      "error files",
    ]);
    expect(findings.every(({ remedy }) => remedy === null)).toBe(true);
  });

  it.each<
    [what: string, check: string, facts: Partial<DiagnosedFacts>, verdict: string, found: RegExp, remedy: RegExp]
  >([
    ["an old Node.js", "Node.js", { node: { version: "18.20.0" } }, "fail", /too old/, /20\.19/],
    ["few open files", "limits", { limits: { openFiles: 256 } }, "warn", /256/, /ulimit -n/],
    [
      "a host without fallocate",
      "util-linux",
      { tools: { fallocate: { problem: "there is no program fallocate" } } },
      "warn",
      /logs\.keep/,
      /install util-linux/,
    ],
    [
      "a home on a read-only disk",
      "home",
      { home: { ...well.home, unwritable: [{ path: "/srv/ips1/run", reason: "the file system is read-only" }] } },
      "fail",
      /run cannot be written: the file system is read-only/,
      /make it writable/,
    ],
    [
      "somebody else's home",
      "home",
      { home: { ...well.home, owner: 9, unwritable: [{ path: "/srv/ips1", reason: "permission is denied" }] } },
      "fail",
      /permission is denied/,
      /uid 9/,
    ],
    [
      "root in somebody's home",
      "home",
      { home: { ...well.home, owner: 9 } },
      "warn",
      /belongs to uid 9/,
      /as its owner/,
    ],
    [
      "no home yet",
      "home",
      { home: { ...well.home, exists: false, owner: null } },
      "warn",
      /not exist/,
      /castellan init/,
    ],
    ["a home open to others", "home", { home: { ...well.home, open: ["/h/data"] } }, "warn", /look into/, /chmod 700/],
    [
      "bad settings",
      "settings",
      { settingsProblem: "castellan.yaml:3: unknown key" },
      "fail",
      /:3:/,
      /castellan\.yaml/,
    ],
    [
      "a missing password file",
      "secrets",
      { secrets: [{ key: "database.passwordFile", path: "/p", problem: "it is not there", isOpen: false }] },
      "fail",
      /database\.passwordFile: \/p cannot be read/,
      /put the file there/,
    ],
    [
      "a password for all to read",
      "secrets",
      { secrets: [{ key: "database.passwordFile", path: "/p", problem: null, isOpen: true }] },
      "warn",
      /others can read \/p/,
      /chmod 600 \/p/,
    ],
    [
      "no database",
      "database",
      { database: { url: "postgres://db/x", kind: "failed", code: "STORE_UNAVAILABLE", message: "refused" } },
      "fail",
      /refused/,
      /database runs/,
    ],
    ["another node's database", "database", database({ node: "other" }), "fail", /belongs to node other/, /mend/],
    [
      "a database that cannot be written",
      "database",
      database({ writeProblem: "denied" }),
      "fail",
      /cannot be written: denied/,
      /grant/,
    ],
    ["an old PostgreSQL", "database", database({ server: "PostgreSQL 13.16" }), "fail", /13\.16/, /14 or later/],
    ["a slow database", "database", database({ ms: 900 }), "warn", /PostgreSQL .* answers in 900 ms/, /slow.*load/],
    [
      "a schema of a newer program",
      "schema",
      database({ node: null, schema: { found: 2, needed: 1, fit: "too-new" } }),
      "fail",
      /version 2; this program knows 1/,
      /newer program/,
    ],
    [
      "a schema of an older program",
      "schema",
      database({ node: null, schema: { found: 1, needed: 2, fit: "older" } }),
      "fail",
      /version 1; this program needs 2/,
      /castellan upgrade/,
    ],
    [
      "a schema that an upgrade has migrated already",
      "schema",
      database({ schema: { found: 2, needed: 1, fit: "ahead" } }),
      "warn",
      /version 2; this program knows 1/,
      /upgrade this server too/,
    ],
    [
      "servers that are left behind",
      "release",
      database({
        releases: [
          { server: "hades", program: "0.2.0" },
          { server: "zeus", program: null },
        ],
      }),
      "warn",
      /this program is 0\.2\.0; zeus runs 0\.1\.0/,
      /castellan upgrade.*master's/,
    ],
    [
      "a program that is left behind",
      "release",
      database({ releases: [{ server: "zeus", program: "0.10.0" }] }),
      "warn",
      /zeus runs 0\.10\.0/,
      /install the newer release here/,
    ],
    ["a schema that does not fit", "release", database({ releases: null }), "warn", /is not known/, /schema/],
    ["no bus", "bus", { bus: failed("LINK_UNREACHABLE", "no NATS server answers") }, "fail", /answers/, /nats\.url/],
    [
      "a bus that we do not believe",
      "bus",
      { bus: failed("NOT_TRUSTED", "unknown ca") },
      "fail",
      /unknown/,
      /nats\.tls/,
    ],
    [
      "a cluster in plain text",
      "certificate",
      { certificate: { kind: "none", isShared: true } },
      "warn",
      /plain text/,
      /docs\/trust\.md/,
    ],
    [
      "a certificate that ends soon",
      "certificate",
      { certificate: certificateWith({ isFatal: false, message: "it ends on 2027-01-01", remedy: "renew it" }) },
      "warn",
      /ends on/,
      /renew/,
    ],
    [
      "a certificate that has ended, besides",
      "certificate",
      {
        certificate: certificateWith(
          { isFatal: false, message: "it ends on 2027-01-01", remedy: "renew it" },
          { isFatal: true, message: "others can read the key", remedy: "chmod 600 /p" },
        ),
      },
      "fail",
      /others can read/,
      /chmod 600/,
    ],
    ["a bus that refuses us", "bus", { bus: failed("NOT_PERMITTED", "refused") }, "fail", /refused/, /credentials/],
    [
      "no nats-server to start",
      "bus",
      { bus: { kind: "embedded", program: { problem: "no nats-server found" }, url: null, link: null } },
      "fail",
      /no nats-server/,
      /install/,
    ],
    [
      "an embedded bus that is silent though the sentinel runs",
      "bus",
      { bus: { ...failed("LINK_UNREACHABLE", "x"), kind: "embedded", program: { path: "/n", version: "2.15.1" } } },
      "fail",
      /does not answer/,
      /logs\/nats-server\.log/,
    ],
    [
      "a nats-server to start that is too old",
      "bus",
      { bus: { kind: "embedded", program: { path: "/n", version: "2.9.25" }, url: null, link: null } },
      "fail",
      /nats-server is 2\.9\.25/,
      /2\.10 or later/,
    ],
    ["a bus that is too old", "bus", { bus: link({ version: "1.4.1" }) }, "fail", /is 1\.4\.1/, /2\.10 or later/],
    [
      "a bus without JetStream",
      "JetStream",
      { bus: link({ jetStream: { kind: "failed", message: "no responders" } }) },
      "fail",
      /no responders/,
      /jetstream \{/,
    ],
    ["a full JetStream", "JetStream", { bus: jetStream({ usedBytes: 95 }) }, "warn", /nearly full/, /max_file_store/],
    [
      "a clock that is late",
      "clock",
      { bus: jetStream({ skew: { ms: 5000, offByMs: 2900 } }) },
      "warn",
      /5000 ms behind/,
      /chrony/,
    ],
    [
      "a clock that is early",
      "clock",
      { bus: jetStream({ skew: { ms: -5000, offByMs: 2900 } }) },
      "warn",
      /5000 ms ahead/,
      /chrony/,
    ],
    [
      "a clock that the database does not share",
      "clock",
      database({ skew: { ms: 61_000, offByMs: 20 } }),
      "warn",
      /61000 ms behind that of the database/,
      /chrony/,
    ],
    [
      "half a sentinel",
      "sentinel",
      { pair: { worker: null, watcher: 12, refused: null } },
      "warn",
      /worker is not running/,
      /logs/,
    ],
    [
      "one that may not run",
      "sentinel",
      { pair: { worker: null, watcher: null, refused: "no row in node_cluster" } },
      "fail",
      /no row/,
      /mend what it says, then `castellan up`/,
    ],
    [
      "a full disk",
      "disks",
      { disks: { ...well.disks, paths: [{ path: "/var", freeBytes: 1, minimumBytes: 5, reason: null }] } },
      "fail",
      /\/var has 1 B free, 5 B are wanted/,
      /fspart/,
    ],
    [
      "a disk that is not there",
      "disks",
      {
        disks: {
          ...well.disks,
          paths: [{ path: "/mnt", freeBytes: null, minimumBytes: 5, reason: "it does not exist" }],
        },
      },
      "fail",
      /\/mnt: it does not exist/,
      /mount/,
    ],
    [
      "a line of fspart that cannot be understood",
      "disks",
      { disks: { ...well.disks, problems: [{ line: 4, message: "a quote is opened and not closed" }] } },
      "warn",
      /fspart:4: a quote/,
      /mend that line/,
    ],
    [
      "an error file that is none",
      "error files",
      { errorFiles: { files: 0, refused: [{ path: "logs/sw_error", reason: "is not a regular file" }] } },
      "warn",
      /is not watched: is not a regular file/,
      /regular file/,
    ],
  ])("names %s and its remedy", (_what, check, facts, verdict, found, remedy) => {
    const finding = findingOf(facts, check);
    expect(finding?.verdict).toBe(verdict);
    expect(finding?.found).toMatch(found);
    expect(finding?.remedy).toMatch(remedy);
  });

  it("says what was compared: server, version, clocks", () => {
    expect(findingOf({}, "database")?.found).toContain("(PostgreSQL 15.8)");
    expect(findingOf({}, "schema")?.found).toBe("version 1");
    expect(findingOf({}, "clock")?.found).toBe("agrees with the bus and the database within 7 ms");
    expect(findingOf(database({ skew: null }), "clock")?.found).toBe("agrees with the bus within 5 ms");
  });

  it("blames no clock for an answer that was long on its way", () => {
    const slow = database({ skew: { ms: -2400, offByMs: 2400 } });
    expect(findingOf(slow, "clock")).toMatchObject({
      verdict: "ok",
      found: "agrees with the bus and the database within 4800 ms",
    });
  });

  it("takes an empty database for what it is", () => {
    const empty = database({ node: null, schema: { found: 0, needed: 1, fit: "empty" } });
    expect(findingOf(empty, "database")).toMatchObject({
      verdict: "ok",
      found: expect.stringContaining("no node yet"),
    });
    expect(findingOf(empty, "schema")).toMatchObject({ verdict: "ok", found: expect.stringContaining("first") });
  });

  it("does not hold it against a node that it is down", () => {
    const down = diagnose({
      ...well,
      pair: { worker: null, watcher: null, refused: null },
      bus: { kind: "embedded", program: { path: "/n", version: "2.15.1" }, url: null, link: null },
      database: { url: "sqlite:/srv/ips1/data/castellan.db", kind: "not-yet" },
    });
    expect(down.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
  });
});
