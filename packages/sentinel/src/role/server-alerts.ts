/**
 * When the master tells the administrator that a server is lost, and that it is back. Decided by what is, not by what has
 * changed: a new master goes on where the last one stopped. Pure.
 *
 * N1 While a server is lost there is one open item for it; nobody who knows of one tells it again.
 * N2 What was told and is not open is on its way, or a person has released it: it is told again after `AGAIN_MS`.
 * N3 An open item of a server that is not lost is resolved, whoever has raised it.
 */

/** The period of all other reassertions, milliseconds. */
export const AGAIN_MS = 15 * 60_000;
/** A resolution that has not arrived by then is told once more, milliseconds. */
export const RESOLVE_AGAIN_MS = 60_000;

export interface ServerStanding {
  readonly name: string;
  /** `unsure`: it cannot be said now; nothing is told. */
  readonly standing: "lost" | "fine" | "unsure";
  /** Found just now, by this master. */
  readonly isNew: boolean;
  /** The cause of its open item; null = there is none. */
  readonly openCause: string | null;
}

export interface Told {
  readonly what: "lost" | "fine";
  readonly atMs: number;
}

export interface Telling {
  readonly name: string;
  /** `reasserted`: it was told before, perhaps by another master. */
  readonly what: "raised" | "reasserted" | "resolved";
  /** Of the item that is open; null = the cause of this loss. */
  readonly cause: string | null;
}

/** `told`: what this master has told, by server. */
export function decideServerAlerts(
  servers: readonly ServerStanding[],
  told: ReadonlyMap<string, Told>,
  nowMs: number,
): { readonly tell: readonly Telling[]; readonly told: ReadonlyMap<string, Told> } {
  const next = new Map<string, Told>();
  const tell: Telling[] = [];
  for (const { name, standing, isNew, openCause } of servers) {
    const last = told.get(name);
    const say = (what: Telling["what"]): void => {
      tell.push({ name, what, cause: openCause });
      next.set(name, { what: what === "resolved" ? "fine" : "lost", atMs: nowMs });
    };
    const isRecent = (what: Told["what"], withinMs: number): boolean =>
      last?.what === what && nowMs - last.atMs < withinMs;

    if (standing === "lost" && openCause === null && !isRecent("lost", AGAIN_MS)) say(isNew ? "raised" : "reasserted");
    else if (
      standing === "fine" &&
      (openCause !== null || last?.what === "lost") &&
      !isRecent("fine", RESOLVE_AGAIN_MS)
    ) {
      say("resolved");
    } else if (last !== undefined && (standing !== "fine" || last.what === "fine")) next.set(name, last);
  }
  return { tell, told: next };
}
