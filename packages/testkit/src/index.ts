export { type CliOptions, type CliResult, type RunningCli, runCli, startCli } from "./cli.ts";
export { type EventuallyOptions, eventually } from "./eventually.ts";
export { type Ambush, type Direction, type FaultProxy, faultProxy, type LinkFault } from "./fault-proxy.ts";
export { freePort } from "./free-port.ts";
export {
  type H2,
  type H2Column,
  H2Error,
  type H2Mode,
  type H2Options,
  type H2Result,
  type H2Session,
  type H2Value,
  startH2,
} from "./h2.ts";
export { type NatsServer, type NatsServerOptions, natsServer, natsServerBinary } from "./nats-server.ts";
export type { CommitMoment } from "./oracle/commit-block.ts";
export { type DoubleDriver, type DoubleSession, type OracleDouble, oracleDouble } from "./oracle/double.ts";
export { oracleError } from "./oracle/error.ts";
export {
  type Postgres,
  type PostgresAdmin,
  type PostgresDatabase,
  type PostgresOptions,
  type PostgresPlace,
  postgres,
  postgresAdmin,
  postgresBinaries,
} from "./postgres.ts";
export {
  assertNothingLeft,
  type FoundProcess,
  findProcesses,
  killAll,
  killTogether,
  type ProcessTracker,
  trackProcesses,
} from "./processes.ts";
export { fakePrograms } from "./programs.ts";
export { cliPath, repositoryRoot } from "./repository.ts";
export { type SmallDisk, smallDisk, whyNoSmallDisk } from "./small-disk.ts";
export { startTdsDouble, TDS_USER, type TdsDouble } from "./tds/server.ts";
export { type TempHome, tempHome } from "./temp-home.ts";
export { type RealDatabase, type TestRun, testRun } from "./test-run.ts";
export { testSeed } from "./test-seed.ts";
