/**
 * Small programs that play managed server processes. Each is a script for `node`; further arguments are ignored, so a
 * test can append a marker. All log to stdout and, unless said otherwise, end with 0 on SIGTERM.
 */
import { fileURLToPath } from "node:url";

export const fakePrograms = {
  /** Prints `started`, runs until SIGTERM, prints `stopping`. */
  steady: fileURLToPath(new URL("../programs/steady.mjs", import.meta.url)),
  /** Prints `started`; answers SIGTERM with `ignoring SIGTERM`. */
  stubborn: fileURLToPath(new URL("../programs/stubborn.mjs", import.meta.url)),
  /** `MS [CODE]`: prints `started`, exits with CODE (default 1) after MS milliseconds. */
  crashing: fileURLToPath(new URL("../programs/crashing.mjs", import.meta.url)),
  /** Forks one `steady` and prints `grandchild PID`; on SIGTERM it leaves that child alone. */
  forking: fileURLToPath(new URL("../programs/forking.mjs", import.meta.url)),
  /** Spawns one `steady` in a session of its own and prints `daemon PID`; on SIGTERM it leaves that child alone. */
  leaving: fileURLToPath(new URL("../programs/leaving.mjs", import.meta.url)),
  /** `PORT` (0: a free one): an HTTP server on loopback, prints `listening PORT`; answers every path with its pid as JSON. */
  http: fileURLToPath(new URL("../programs/http.mjs", import.meta.url)),
  /** `FILE`: appends its pid to FILE, prints `started`, runs until SIGTERM: each start leaves a line. */
  recording: fileURLToPath(new URL("../programs/recording.mjs", import.meta.url)),
  /** `MS`: prints `starting`, and `ready` after MS milliseconds. */
  slow: fileURLToPath(new URL("../programs/slow.mjs", import.meta.url)),
} as const;
