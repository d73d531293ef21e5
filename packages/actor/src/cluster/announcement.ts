/**
 * What systems say to each other about listed actors, over exact subjects, two per protocol: on `_all/listings/{actor}`
 * those who offer announce, on `_all/offers/{actor}` those who seek ask for an announcement. An offering system says
 * all its keys each time, so a lost message costs one period and nothing has to be put together.
 */
import { z } from "zod";
import type { Address } from "../transport/transport.ts";

/** How often an offering system announces, milliseconds. */
export const ANNOUNCE_EVERY_MS = 5000;

export const LISTED = "_listed";
export const REPORT = "_report";

export const Announcement = z.object({
  host: z.string().max(128),
  /** Tells systems of one host name apart. */
  system: z.string().max(64),
  keys: z.array(z.string().max(128)),
});
export type Announcement = z.infer<typeof Announcement>;

/** Who announces. */
export type Announcer = Pick<Announcement, "host" | "system">;

export const nameOf = ({ host, system }: Announcer): string => `${host} ${system}`;

export const group = (actor: "listings" | "offers", key: string): Address => ({ host: "_all", actor, key });
