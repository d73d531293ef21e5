/** What a worker was started with, and what every part of it is given. */
import type { Clock, IdSource, Logger } from "@castellan/kernel";
import type { MessageLog } from "@castellan/sentinel";
import type { HomePaths } from "../home-paths.ts";
import type { ProgramEntry } from "../pair/part.ts";
import type { Ending } from "./ending.ts";
import type { StopRequest } from "./program.ts";

export interface WorkerOptions {
  readonly home: string;
  readonly program: ProgramEntry;
  /** The pair has just been started: start the server processes, if PM_AUTO_BOOT says so. */
  readonly boot: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

export interface WorkerRim {
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: IdSource;
  readonly messages: MessageLog;
  readonly stop: StopRequest;
  readonly ending: Ending;
}
