/** What a diagnosis is made from: facts about a server, as whoever looked found them. */
import type { ClockSkew } from "@castellan/kernel";

/** What is looked at; the daemon's `ServerFacts` is one. */
export interface DiagnosedFacts {
  /** Release of this program. */
  readonly release: string;
  readonly node: { readonly version: string };
  readonly limits: { readonly openFiles: number | null };
  readonly tools: { readonly fallocate: { readonly version: string } | { readonly problem: string } };
  readonly home: {
    readonly dir: string;
    readonly exists: boolean;
    readonly owner: number | null;
    readonly user: number;
    readonly unwritable: readonly { readonly path: string; readonly reason: string }[];
    readonly open: readonly string[];
  };
  readonly settingsProblem: string | null;
  readonly secrets: readonly {
    readonly key: string;
    readonly path: string;
    readonly problem: string | null;
    readonly isOpen: boolean;
  }[];
  readonly certificate:
    | { readonly kind: "none"; readonly isShared: boolean }
    | {
        readonly kind: "used";
        readonly file: string;
        readonly until: Date | null;
        readonly problems: readonly {
          readonly isFatal: boolean;
          readonly message: string;
          readonly remedy: string;
        }[];
      };
  readonly pair: { readonly worker: number | null; readonly watcher: number | null; readonly refused: string | null };
  readonly bus: BusFacts;
  readonly database: DatabaseFacts;
  readonly disks: {
    readonly file: string;
    readonly problems: readonly { readonly line: number; readonly message: string }[];
    readonly paths: readonly {
      readonly path: string;
      readonly freeBytes: number | null;
      readonly minimumBytes: number;
      readonly reason: string | null;
    }[];
  };
  readonly errorFiles: {
    readonly files: number;
    readonly refused: readonly { readonly path: string; readonly reason: string }[];
  };
}

interface BusFacts {
  readonly kind: "embedded" | "external";
  readonly program: { readonly path: string; readonly version: string } | { readonly problem: string } | null;
  readonly url: string | null;
  readonly link:
    | { readonly kind: "reached"; readonly ms: number; readonly version: string; readonly jetStream: JetStreamFacts }
    | { readonly kind: "failed"; readonly code: string; readonly message: string }
    | null;
}

type JetStreamFacts =
  | {
      readonly kind: "ready";
      readonly usedBytes: number;
      readonly maxBytes: number;
      readonly hasEventsStream: boolean;
      readonly skew: ClockSkew | null;
    }
  | { readonly kind: "failed"; readonly message: string };

type DatabaseFacts = { readonly url: string } & (
  | {
      readonly kind: "reached";
      readonly ms: number;
      /** Product and version: `PostgreSQL 15.8`. */
      readonly server: string;
      /** Versions, and whether they go together. */
      readonly schema: {
        readonly found: number;
        readonly needed: number;
        /** `ahead`: a newer program has migrated it, and this one can go on with it. */
        readonly fit: "empty" | "older" | "same" | "ahead" | "too-new";
      };
      /** Of its clock; null when it is ours. */
      readonly skew: ClockSkew | null;
      readonly node: string | null;
      readonly wantedNode: string;
      readonly writeProblem: string | null;
      /** Of the servers that run, by name (null: 0.1.0); null: this program cannot read them. */
      readonly releases: readonly { readonly server: string; readonly program: string | null }[] | null;
    }
  | { readonly kind: "not-yet" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
);
