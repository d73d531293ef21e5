import { defineConfig } from "vitest/config";
import { filesOnMssql } from "./test/harness/mssql-files.ts";

const conditions = ["@castellan/source", "module", "node"];
const isLong = process.env["CASTELLAN_LONG"] === "1";
const resolveSource = {
  ssr: { resolve: { conditions, externalConditions: ["@castellan/source", "node"] } },
};

/**
 * Real servers and processes: no second chance. Homes, ports and addresses are each test's own, and it mostly waits:
 * several files at a time. Deadlines are safety nets, here and below: a machine ten times slower than usual passes.
 */
const real = { maxWorkers: 4, retry: 0, testTimeout: 150_000, hookTimeout: 150_000 };

/**
 * What a node does with buses, files and words is the same on every database: on PostgreSQL it is tried again only when
 * CASTELLAN_LONG is set.
 */
const sameOnEveryDatabase = isLong
  ? []
  : [
      "test/acceptance/{actors,alerts,bad-input,bad-input-bus,bad-input-words,disk,error-files,events,logs}.test.ts",
      "test/acceptance/{swstart-swstop,swsvrmgr,systemd-unit}.test.ts",
      "test/acceptance/{backup,install-*,schema-*,upgrade-*}.test.ts",
      "test/acceptance/{attributes,init-and-doctor,not-a-member,pause,plan-and-explain,processes,start-new,up-and-down}.test.ts",
      "test/chaos/{bus-away,disk-full,killed-while-starting,read-only-home}.test.ts",
    ];

/** Databases that are stood in for, their grammars, and the ways in which a server fails. Java is needed. */
const databases = [
  "packages/store/test/{link-faults,server-faults,sql-grammar,{mssql,oracle}{,-faults,-real}}.int.test.ts",
  "packages/testkit/test/h2.int.test.ts",
];
/** The life of an installation: made, joined, upgraded, moved, backed up, taken away. */
const life = ["test/acceptance/{backup,install-*,mssql-*,schema-*,upgrade-*}.test.ts"];

export default defineConfig({
  ...resolveSource,
  test: {
    projects: [
      {
        ...resolveSource,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts"],
          exclude: ["**/*.int.test.ts", "**/node_modules/**"],
          testTimeout: 60_000,
          // Nothing global is touched, so files share what they import: a third of the time.
          isolate: false,
        },
      },
      {
        ...resolveSource,
        test: {
          ...real,
          name: "integration",
          include: ["packages/*/test/**/*.int.test.ts"],
          exclude: [...databases, "**/node_modules/**"],
        },
      },
      { ...resolveSource, test: { ...real, name: "databases", include: databases } },
      {
        ...resolveSource,
        test: {
          ...real,
          name: "acceptance",
          include: ["test/acceptance/**/*.test.ts"],
          exclude: ["test/acceptance/postgres-*.test.ts", ...life],
          testTimeout: 240_000,
        },
      },
      { ...resolveSource, test: { ...real, name: "life", include: life, testTimeout: 240_000 } },
      {
        ...resolveSource,
        test: {
          ...real,
          name: "acceptance-postgres",
          include: ["test/acceptance/**/*.test.ts"],
          exclude: [...sameOnEveryDatabase, "test/acceptance/mssql-*.test.ts"],
          globalSetup: ["test/harness/postgres-server.ts"],
          testTimeout: 240_000,
        },
      },
      // Nodes on SQL Server's protocol, which H2 answers.
      {
        ...resolveSource,
        test: {
          ...real,
          maxWorkers: 2,
          name: "mssql",
          ...filesOnMssql(isLong),
          provide: { isOnMssql: true },
          globalSetup: ["test/harness/mssql-files.ts"],
          testTimeout: 300_000,
        },
      },
      {
        ...resolveSource,
        test: {
          ...real,
          maxWorkers: 3,
          name: "chaos",
          include: ["test/chaos/**/*.test.ts"],
          exclude: ["test/chaos/postgres-*.test.ts"],
          testTimeout: 300_000,
        },
      },
      {
        ...resolveSource,
        test: {
          ...real,
          maxWorkers: 3,
          name: "chaos-postgres",
          include: ["test/chaos/**/*.test.ts"],
          exclude: sameOnEveryDatabase,
          globalSetup: ["test/harness/postgres-server.ts"],
          testTimeout: 300_000,
        },
      },
      // Each file brings up clusters of three pairs.
      {
        ...resolveSource,
        test: {
          ...real,
          maxWorkers: 2,
          name: "cluster",
          include: ["test/cluster/**/*.test.ts"],
          testTimeout: 300_000,
        },
      },
      {
        ...resolveSource,
        test: {
          ...real,
          maxWorkers: 2,
          name: "cluster-postgres",
          include: ["test/cluster/**/*.test.ts"],
          // These have a PostgreSQL of their own in any case.
          exclude: ["test/cluster/{host-cut-off,install-hosts,remote-database}.test.ts"],
          globalSetup: ["test/harness/postgres-server.ts"],
          testTimeout: 300_000,
        },
      },
    ],
  },
});
