/** Colours by meaning: the same word has the same colour everywhere. */
import picocolors from "picocolors";

export interface Style {
  /** A status, state or severity, in its colour. */
  word(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
  added(text: string): string;
  removed(text: string): string;
  changed(text: string): string;
}

type Tone = "good" | "busy" | "bad" | "worst" | "idle";

const TONES: Readonly<Record<string, Tone>> = {
  RUNNING: "good",
  STARTING: "busy",
  "SHUTTING DOWN": "busy",
  PAUSED: "busy",
  SUSPENDED: "worst",
  STOPPED: "idle",
  DEGRADED: "bad",
  up: "good",
  suspect: "busy",
  down: "worst",
  ok: "good",
  warn: "busy",
  fail: "worst",
  isolated: "worst",
  done: "good",
  failed: "worst",
  refused: "worst",
  skipped: "busy",
  unknown: "bad",
  info: "idle",
  warning: "busy",
  error: "bad",
  critical: "worst",
  late: "worst",
  new: "bad",
  open: "busy",
  kept: "busy",
  released: "idle",
  resolved: "good",
};

export function createStyle(colour: boolean): Style {
  const pc = picocolors.createColors(colour);
  const paint: Readonly<Record<Tone, (text: string) => string>> = {
    good: pc.green,
    busy: pc.yellow,
    bad: pc.red,
    worst: (text) => pc.bold(pc.red(text)),
    idle: pc.dim,
  };
  return {
    word(text) {
      const tone = TONES[text];
      return tone === undefined ? text : paint[tone](text);
    },
    strong: pc.bold,
    faint: pc.dim,
    added: pc.green,
    removed: pc.red,
    changed: pc.yellow,
  };
}
