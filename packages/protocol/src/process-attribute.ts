/**
 * The settings that live in the shared schema (`process_attributes`): what there is, what a value may be, and where it may be
 * set. The documented names keep their documented meaning.
 */

export interface AttributeKind {
  readonly name: string;
  /** What holds where nothing is set. */
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
  /** Part of a sentence: "a number of seconds". */
  readonly unit: string;
  /** What it can be set for: whole servers, or single types and instances too. */
  readonly scope: "server" | "process";
  readonly meaning: string;
}

const flag = { least: 0, most: 1, unit: "1 (yes) or 0 (no)" } as const;
const seconds = { unit: "a number of seconds" } as const;
const count = { unit: "a number" } as const;

/** Every attribute by its name. */
export const ATTRIBUTES = {
  PM_AUTO_BOOT: {
    ...flag,
    fallback: 1,
    scope: "server",
    meaning: "start the processes when the sentinel has been started",
  },
  PROCESS_SLEEP: {
    ...seconds,
    fallback: 5,
    least: 1,
    most: 3600,
    scope: "server",
    meaning: "the sentinel's pause between rounds",
  },
  CHECKFREQ: {
    ...count,
    fallback: 1,
    least: 1,
    most: 10_000,
    scope: "server",
    meaning: "rounds between looks at the disk space",
  },
  MINFREEKB: {
    unit: "a number of kilobytes",
    fallback: 10_000,
    least: 0,
    most: 2_147_483_647,
    scope: "server",
    meaning: "free space that a line of fspart without a minimum asks for",
  },
  CHECK_ERROR_FILES: { ...flag, fallback: 1, scope: "server", meaning: "look for error and warning files" },
  ISOLATION_STOP_PERIOD: {
    ...seconds,
    fallback: 20,
    least: 3,
    most: 3600,
    scope: "server",
    meaning: "a server without contact stops its foreground and exclusive processes within this",
  },
  PROCESS_AUTO_RESTARTS: { ...flag, fallback: 1, scope: "process", meaning: "start again what has died" },
  PROCESS_MAX_RESTARTS: {
    ...count,
    fallback: 5,
    least: 0,
    most: 1000,
    scope: "process",
    meaning: "attempts within the period before it is SUSPENDED; 0 = never give up",
  },
  PROCESS_MIN_RESTART_PERIOD: {
    ...seconds,
    fallback: 120,
    least: 0,
    most: 86_400,
    scope: "process",
    meaning: "the period in which attempts are counted; a longer run forgets them",
  },
  PROCESS_AUTO_DUMPLOG: { ...flag, fallback: 1, scope: "process", meaning: "keep the last output of what has died" },
} as const satisfies Readonly<Record<string, Omit<AttributeKind, "name">>>;

export type AttributeName = keyof typeof ATTRIBUTES;
export const ATTRIBUTE_NAMES: readonly string[] = Object.keys(ATTRIBUTES);

/** The attribute of a name, in any case; null when there is none. */
export function attributeKind(name: string): AttributeKind | null {
  const found = Object.entries(ATTRIBUTES).find(([known]) => known === name.toUpperCase());
  return found === undefined ? null : { name: found[0], ...found[1] };
}

/** The value as it is stored, or what is wrong with it as a sentence. */
export function checkAttribute(
  kind: AttributeKind,
  value: string,
): { readonly value: number } | { readonly problem: string } {
  const text = value.trim();
  const number = /^-?\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= kind.least && number <= kind.most) return { value: number };
  const range = kind.most - kind.least > 1 ? ` from ${kind.least} to ${kind.most}` : "";
  return { problem: `${kind.name} is ${kind.unit}${range}, not "${value.slice(0, 40)}"` };
}
