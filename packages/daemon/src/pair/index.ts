/** The door for programs that only look at a server's pair: it loads neither schemas nor the bus. */
export { type HomePaths, homePaths } from "../home-paths.ts";
export { PAIR_GONE_WITHIN_MS } from "../program/ending.ts";
export { pairState } from "./bring-up.ts";
