export { type CliOptions, type CliResult, type RunningCli, runCli, startCli } from "./cli.ts";
export { type EventuallyOptions, eventually } from "./eventually.ts";
export { freePort } from "./free-port.ts";
export { type NatsServer, type NatsServerOptions, natsServer, natsServerBinary } from "./nats-server.ts";
export {
  type Postgres,
  type PostgresAdmin,
  type PostgresDatabase,
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
  type ProcessTracker,
  trackProcesses,
} from "./processes.ts";
export { fakePrograms } from "./programs.ts";
export { cliPath, repositoryRoot } from "./repository.ts";
export { type TempHome, tempHome } from "./temp-home.ts";
export { testSeed } from "./test-seed.ts";
