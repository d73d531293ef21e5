/** The door for programs that only look at a server's pair: it loads neither schemas nor the bus. */
export { type HomePaths, homePaths } from "../home-paths.ts";
export { pairState } from "./bring-up.ts";
