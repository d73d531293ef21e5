/** Whether a home names a bus, without reading its settings as they are meant: that takes more memory than the whole watcher. */
import { readSmallFileSync } from "@castellan/kernel";

const MAX_CONFIG_BYTES = 1024 * 1024;
/** A key of the file itself, as YAML writes it in a block, in braces, or quoted. One too many only costs the look. */
const NATS = /^["']?nats["']?\s*:|[{,]\s*["']?nats["']?\s*:/m;

export const namesBus = (text: string): boolean => NATS.test(text.replace(/^\s*#.*$/gm, ""));

export function hasConfiguredBus(file: string): boolean {
  try {
    return namesBus(readSmallFileSync(file, MAX_CONFIG_BYTES).toString("utf8"));
  } catch {
    return false; // no file: nothing is configured
  }
}
