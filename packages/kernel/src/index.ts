export { type Backoff, backoffMs } from "./backoff.ts";
export { type Clock, sleep, type Timer } from "./clock.ts";
export { Disposer } from "./disposer.ts";
export { CastellanError, type ErrorOptions, type ErrorShape, ensureError, systemCode, toErrorShape } from "./errors.ts";
export { createIdSource, type IdSource } from "./id.ts";
export { type LogFields, type Logger, silentLogger } from "./logger.ts";
export { createSeededRng, type Rng, systemRng } from "./rng.ts";
export { createSystemClock } from "./system-clock.ts";
export { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";
