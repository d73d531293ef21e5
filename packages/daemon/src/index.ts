export { type HomePaths, homePaths, makeHome } from "./home-paths.ts";
export { endEmbeddedNats } from "./nats-server/launch.ts";
export { homeFilesIn, initialiseHome, isNewHome } from "./node/initialise.ts";
export { bringUpPair, type PairState, pairState } from "./pair/bring-up.ts";
export type { ProgramEntry } from "./pair/part.ts";
export { hasJoined } from "./schema/ledger.ts";
export { readSettings } from "./settings.ts";
