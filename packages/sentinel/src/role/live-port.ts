/** The bus as the election needs it. Nothing of it rejects: what cannot be said or heard is a word of its own. */
import type { LiveAnswer, LiveWord } from "@castellan/protocol";

export interface LivePort {
  /** Whether there is a master; `epoch`: what is known of. Null = the bus is away: nothing can be said. */
  ask(epoch: number): Promise<{ readonly live: LiveWord; readonly askMs: number | null } | null>;
  /** What to say from now on to those who ask. Null: say nothing, so that nobody is there. */
  answer(as: LiveAnswer | null): void;
  /** Somebody who asks knows of this epoch. */
  onQuestion(listener: (epoch: number) => void): void;
  /** Whose heartbeats to hear from now on: those in which it says that it is master, with the epoch. */
  follow(server: string | null, beat: (epoch: number) => void): void;
  /** For how long the own link and the routes behind it have been as they are, milliseconds; null = there is no link. */
  settledMs(): number | null;
  close(): void;
}

/** Where there is no bus: nobody is heard, nobody is judged. */
export const noBus: LivePort = {
  ask: async () => null,
  answer: () => undefined,
  onQuestion: () => undefined,
  follow: () => undefined,
  settledMs: () => null,
  close: () => undefined,
};

/** The highest epoch that this server has seen, over restarts. */
export interface EpochMemory {
  readonly highest: number;
  /** Resolves when it is on disk. */
  remember(epoch: number): Promise<void>;
}

export const noMemory: EpochMemory = { highest: 0, remember: async () => undefined };
