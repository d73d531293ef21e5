/** The words of the election: in what states a sentinel is towards mastership, what happens to it, what it does. */

import type { LiveWord, WorkerState } from "@castellan/protocol";

/** How a sentinel sees itself at the moment of an event. */
export interface Facts {
  /** Boot-time milliseconds. */
  readonly nowMs: number;
  /**
   * For how long the link to the bus, the routes behind it, the contact with the schema and the own event loop have been in
   * order, milliseconds; null = they are not. Who is not in order is blind, and judges nobody.
   */
  readonly settledMs: number | null;
  /** Age of the last confirmed contact with the schema, milliseconds: of a master the last write under its epoch. */
  readonly sqlAgeMs: number | null;
  /** The only member of the node: there is nobody to step down for. */
  readonly alone: boolean;
  /** From 0 to 1, new for each event: spreads candidates. */
  readonly jitter: number;
}

/** What the schema says of mastership. */
export interface MasterRead {
  readonly epoch: number;
  readonly masterId: number | null;
  readonly planned: boolean;
  /** Moves with every write of a master. */
  readonly fence: number;
  /** The highest epoch that was known when the schema was asked. */
  readonly seenBefore: number;
}

/** What the schema says of the members: read for a check. */
export interface Survey {
  readonly epoch: number;
  readonly masterId: number | null;
  /** `sign` changes with every sign of life; `gone`: the master has recorded it as down. */
  readonly members: readonly { readonly id: number; readonly sign: string; readonly gone: boolean }[];
}

/** What another member says when it is asked whether it sees the master. */
export interface Opinion {
  readonly settled: boolean;
  readonly epoch: number | null;
  readonly live: LiveWord;
  /** How long ago it had the last sign of the master's life; null = it knows of none. */
  readonly heardAgoMs: number | null;
}

/** `nobody`: its watcher does not answer. */
export type VouchWord = WorkerState | "nobody";

export type ElectionEvent =
  | { readonly type: "Tick" }
  | ({ readonly type: "Read" } & MasterRead)
  | { readonly type: "Answered"; readonly live: LiveWord }
  /** A heartbeat of somebody who is master of this epoch. */
  | { readonly type: "Beat"; readonly epoch: number }
  /** Somebody who asks for the master knows of this epoch. */
  | { readonly type: "Challenged"; readonly epoch: number }
  | ({ readonly type: "Surveyed" } & Survey)
  | ({ readonly type: "Opined" } & Opinion)
  /** What the watcher of the master's server says of its worker. */
  | { readonly type: "Vouched"; readonly word: VouchWord }
  /** The pair of the master of this epoch is being exchanged and comes back. */
  | { readonly type: "Excused"; readonly epoch: number; readonly forMs: number }
  /** An administrator, or the present master, wants this server to be master. */
  | { readonly type: "Ordered"; readonly returns: boolean }
  | { readonly type: "Taken"; readonly epoch: number }
  | { readonly type: "Lost"; readonly epoch: number }
  | { readonly type: "NotTaken" }
  /** A write under this epoch was refused, or what runs under it could not begin. */
  | { readonly type: "Deposed"; readonly epoch: number }
  | { readonly type: "NotBegun"; readonly epoch: number };

export type Effect =
  /** Look at the schema now: answered by Read. */
  | { readonly do: "read" }
  /** Answered by Surveyed, or not. */
  | { readonly do: "survey" }
  /** Ask these members, each answers with Opined, or not. */
  | { readonly do: "ask-members"; readonly ids: readonly number[]; readonly epoch: number }
  /** Always answered by Vouched. */
  | { readonly do: "ask-watcher"; readonly id: number }
  /** Compare and swap: answered by Taken, Lost or NotTaken. `ifEpoch`: only while this is the epoch. */
  | {
      readonly do: "take";
      readonly handover: "planned" | "unplanned";
      readonly returns: boolean;
      readonly ifEpoch: number | null;
    }
  | { readonly do: "begin"; readonly epoch: number }
  | { readonly do: "end"; readonly epoch: number; readonly why: string }
  | { readonly do: "remember"; readonly epoch: number }
  /** To whoever gave the order. */
  | { readonly do: "obeyed"; readonly epoch: number }
  | { readonly do: "disobeyed"; readonly why: "backwards" | "failed" }
  /** The schema shows an older epoch than was seen: say so, until it does not. */
  | { readonly do: "alarm"; readonly shown: number; readonly seen: number }
  | { readonly do: "all-clear" };

/** What is known of mastership, in every state. */
export interface Known {
  readonly serverId: number;
  /** As the schema said last; null = it has not, or it may have changed by our own doing. */
  readonly master: { readonly id: number | null; readonly epoch: number; readonly fence: number } | null;
  /** When the fence was seen to move. */
  readonly fenceMs: number;
  /** The highest epoch that was ever seen. */
  readonly highest: number;
  /** How many times in a row the schema has shown an older one. */
  readonly lower: number;
  /** The last sign of the master's life, or when there began to be one to wait for. */
  readonly heardMs: number;
  /** The bus has brought a sign of life of this master, in this epoch. */
  readonly heard: boolean;
  /** How many times in a row nobody answered for the master, and when first. */
  readonly nobody: number;
  readonly nobodyMs: number;
  /** Until then nobody's silence counts, only heartbeats do; and for how long that was. */
  readonly heartbeatsOnlyUntilMs: number;
  readonly heartbeatsOnlyMs: number;
  /** When watchers were believed. */
  readonly vouchedMs: readonly number[];
  /** No check begins before: another member sees the master, or somebody is taking over. */
  readonly quietUntilMs: number;
  /** The master of this epoch is not missed before. */
  readonly excused: { readonly epoch: number; readonly untilMs: number } | null;
  /** Own attempts that failed in a row, and when the next may be. */
  readonly failures: number;
  readonly mayTakeMs: number;
}

/** Is the master gone? Begun by a hint, ended by any sign of life. */
export interface Check {
  readonly evidence: "nobody" | "silence";
  /** Since when the evidence is there. */
  readonly sinceMs: number;
  readonly begunMs: number;
  readonly roundMs: number;
  /** Members besides this one and the master that the schema does not show as gone; null = not read yet. */
  readonly others: readonly number[] | null;
  /** How many members there are besides this one and the master. */
  readonly witnesses: number;
  /** Signs of life in the schema, and when each was seen to move. */
  readonly signs: ReadonlyMap<number, { readonly sign: string; readonly atMs: number }>;
  /** This server's place among the candidates, from 0. */
  readonly rank: number;
  readonly jitter: number;
  readonly agreed: boolean;
  /** null = not answered yet; else until when the watcher is believed (0 = it is not). */
  readonly graceMs: number | null;
}

export type Election =
  | { readonly kind: "following"; readonly known: Known }
  | { readonly kind: "checking"; readonly known: Known; readonly check: Check }
  | { readonly kind: "taking"; readonly known: Known; readonly ordered: boolean }
  | { readonly kind: "master"; readonly known: Known; readonly epoch: number; readonly sinceMs: number }
  | { readonly kind: "refusing"; readonly known: Known };

export interface Decision {
  readonly state: Election;
  readonly effects: readonly Effect[];
}

export type ElectionOf<K extends Election["kind"]> = Extract<Election, { readonly kind: K }>;
export type ElectionEventOf<T extends ElectionEvent["type"]> = Extract<ElectionEvent, { readonly type: T }>;
