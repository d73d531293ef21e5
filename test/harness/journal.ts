/** What the managed processes of a test (`teller.pl`) have told themselves, whoever kept them: the witness that nobody can bribe. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Told {
  /** Milliseconds since the epoch, with a fraction. */
  readonly atMs: number;
  readonly what: "started" | "ready" | "stopping";
  readonly server: string;
  /** `WIS 2` */
  readonly label: string;
  readonly type: string;
  /** One start by the conductor, or one replacement after it. */
  readonly launch: string;
  readonly pid: number;
}

const TELLER = fileURLToPath(new URL("teller.pl", import.meta.url));

/** The argument vector of a process that is ready `readyAfterMs` after it started. */
export const teller = (readyAfterMs = 0): string =>
  JSON.stringify(["perl", TELLER, "{home}/../journal", String(readyAfterMs / 1000)]);

/** In the order of their times. A line that is being written is left out. */
export function readJournal(file: string): Told[] {
  return readLines(file)
    .map((line) => line.split(" "))
    .filter((words) => words.length === 8)
    .map(
      ([us, what, server = "", type = "", instance, launch, attempt, pid]) =>
        ({
          atMs: Number(us) / 1000,
          what: what === "ready" || what === "stopping" ? what : "started",
          server,
          label: `${type} ${instance}`,
          type,
          launch: `${launch}#${attempt}`,
          pid: Number(pid),
        }) satisfies Told,
    )
    .toSorted((a, b) => a.atMs - b.atMs);
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return []; // nobody has started yet
  }
}
