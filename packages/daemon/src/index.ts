export { syncDirectory, writeDurably } from "@castellan/sentinel/pair";
export { type HomePaths, homePaths, makeHome } from "./home-paths.ts";
export {
  agreeOnParameters,
  differ,
  recordAddress,
  refuseOtherParameters,
  refuseOtherSchema,
  wordsOfDifference,
} from "./installation/agree.ts";
export { forgetBus, installedFiles, type Staying } from "./installation/installed-files.ts";
export { knownSchemaId, ownParameters, rememberSchemaId } from "./installation/own-parameters.ts";
export { endEmbeddedNats } from "./nats-server/launch.ts";
export { natsAnswers } from "./nats-server/socket.ts";
export { openEpochFile } from "./node/epoch-file.ts";
export { homeFilesIn, initialiseHome, isNewHome } from "./node/initialise.ts";
export { SETTINGS_FILE } from "./node/new-home-files.ts";
export { bringUpPair, type PairState, pairState } from "./pair/bring-up.ts";
export { endPair } from "./pair/end-pair.ts";
export { launchNextPair } from "./pair/exchange.ts";
export type { ProgramEntry } from "./pair/part.ts";
export { rehearse } from "./pair/rehearsal.ts";
export { PAIR_GONE_WITHIN_MS } from "./program/ending.ts";
export { hasJoined } from "./schema/ledger.ts";
export { readSettings } from "./settings.ts";
