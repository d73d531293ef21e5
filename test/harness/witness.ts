/**
 * Holds a cluster's past against the invariants (docs/invariants.md): by the census of its processes, by what they told
 * themselves, by the rows, and by the events on the bus. Nobody's word is taken for it.
 */
import { type NatsSettings, NodeEvent } from "@castellan/protocol";
import type { Gateway } from "@castellan/store";
import { eventually } from "@castellan/testkit";
import type { Census } from "./census.ts";
import type { Told } from "./journal.ts";
import { type StoredEvent, storedEvents } from "./stored-events.ts";

export interface Term {
  readonly epoch: number;
  readonly masterId: number | null;
  /** When it was first seen, milliseconds since the epoch. */
  readonly atMs: number;
}

export interface EpochWatch {
  /** As they followed each other. */
  readonly terms: readonly Term[];
  /** An epoch that went back, or has two masters. */
  readonly complaints: readonly string[];
  stop(): void;
}

/** Reads the one row that says who is master, again and again; while the database is away it sees nothing. */
export function watchEpochs(gateway: Gateway, everyMs = 20): EpochWatch {
  const terms: Term[] = [];
  const complaints: string[] = [];
  let timer: NodeJS.Timeout | null = null;
  let hasEnded = false;
  const note = async (): Promise<void> => {
    const [row] = await gateway.find("node_state");
    const last = terms.at(-1);
    if (row === undefined || (last?.epoch === row.epoch && last.masterId === row.master_id)) return;
    if (last !== undefined && row.epoch <= last.epoch)
      complaints.push(`I1: epoch ${last.epoch} of ${last.masterId} was followed by ${row.epoch} of ${row.master_id}`);
    terms.push({ epoch: row.epoch, masterId: row.master_id, atMs: Date.now() });
  };
  const look = (): void => {
    note()
      .catch(() => undefined) // away: what it says afterwards counts
      .finally(() => {
        if (!hasEnded) timer = setTimeout(look, everyMs);
      });
  };
  look();
  return {
    terms,
    complaints,
    stop() {
      hasEnded = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}

export interface Evidence {
  readonly gateway: Gateway;
  readonly census: Census;
  readonly epochs: EpochWatch;
  journal(): readonly Told[];
  readonly busSettings: NatsSettings;
}

/** How long what is under way may take to end, milliseconds. */
const SETTLED_MS = 60_000;

/**
 * What was violated, in words; empty: nothing. To be called when everything is quiet again, but for what is still being
 * written down: what was violated stays so, what is merely not over yet is looked at again.
 */
export async function complaintsOf(evidence: Evidence): Promise<string[]> {
  let complaints: string[] = [];
  const look = async (): Promise<boolean> => {
    complaints = await complaintsNow(evidence);
    return complaints.length === 0;
  };
  await eventually(look, { withinMs: SETTLED_MS, everyMs: 250 }).catch((thrown: unknown) => {
    if (complaints.length === 0) throw thrown; // it could not even be looked at
  });
  return complaints;
}

async function complaintsNow(evidence: Evidence): Promise<string[]> {
  const { census, epochs, gateway } = evidence;
  const events = await storedEvents(evidence.busSettings);
  const unended = await unfinished(gateway);
  const journal = evidence.journal();
  return [
    ...epochs.complaints,
    ...mastersOfEpochs(events),
    ...repeatedStarts(journal),
    ...unended,
    ...census.doubles.map((words) => `I3: two at once: ${words}`),
    ...(await brokenHistories(gateway, journal)),
  ];
}

/** I1: of every epoch that published what it recorded there was one master. */
function mastersOfEpochs(events: readonly StoredEvent[]): string[] {
  const sources = new Map<number, Set<string>>();
  for (const event of events) {
    if (event.type !== "castellan.node.state-changed") continue;
    const { epoch } = NodeEvent.parse(event.data);
    sources.set(epoch, (sources.get(epoch) ?? new Set()).add(event.source));
  }
  return [...sources].flatMap(([epoch, by]) =>
    by.size > 1 ? [`I1: in epoch ${epoch} spoke ${[...by].join(", ")}`] : [],
  );
}

/** I2: one launch, one start. */
function repeatedStarts(journal: readonly Told[]): string[] {
  const starts = new Map<string, Told[]>();
  for (const told of journal) {
    if (told.what !== "started") continue;
    const name = `${told.server} ${told.label} ${told.launch}`;
    starts.set(name, [...(starts.get(name) ?? []), told]);
  }
  return [...starts].flatMap(([name, all]) =>
    all.length > 1 ? [`I2: ${name} was started ${all.length} times: pids ${all.map(({ pid }) => pid).join(", ")}`] : [],
  );
}

/** I2: every operation has ended, with a result for each step. */
async function unfinished(gateway: Gateway): Promise<string[]> {
  const ENDED = new Set(["done", "failed", "skipped", "unknown"]);
  const operations = await gateway.find("operation");
  const steps = await gateway.find("operation_step");
  return [
    ...operations.filter(({ state }) => state === "open").map(({ verb, id }) => `I2: operation ${verb} ${id} is open`),
    ...steps
      .filter(({ state }) => !ENDED.has(state))
      .map((step) => `I2: step ${step.seq} of ${step.operation_id} is ${step.state}`),
  ];
}

const WORDS: Readonly<Record<number, string>> = { 3000: "started", 3001: "stopping", 3002: "stopped", 3003: "died" };

/** I6: of every instance the history says as many starts as the instance itself, and no start of what had not ended. */
async function brokenHistories(gateway: Gateway, journal: readonly Told[]): Promise<string[]> {
  const rows = await gateway.find("process_event_log", { orderBy: [{ column: "timestamp" }, { column: "id" }] });
  const servers = new Map(
    (await gateway.find("node_cluster")).map((row) => [row.logical_machine_id, row.physical_machine_name]),
  );
  const tellings = new Set<string>();
  const histories = new Map<string, string[]>();
  for (const row of rows) {
    const word = WORDS[row.process_status];
    if (word === undefined) continue;
    // The worker after a killed one may tell again what it had told last: of the same process.
    const telling = `${row.logical_machine_id} ${row.process_id} ${word}`;
    if (word === "started" && tellings.has(telling)) continue;
    tellings.add(telling);
    const place = `${servers.get(row.logical_machine_id)} ${row.logical_process_name} ${row.logical_process_instance}`;
    histories.set(place, [...(histories.get(place) ?? []), word]);
  }
  const complaints: string[] = [];
  for (const place of new Set([...histories.keys(), ...journal.map(({ server, label }) => `${server} ${label}`)])) {
    const words = histories.get(place) ?? [];
    const text = words.join(" ");
    const told = journal.filter(({ what, server, label }) => what === "ready" && `${server} ${label}` === place).length;
    const started = words.filter((word) => word === "started").length;
    if (started !== told) complaints.push(`I6: ${place} became ready ${told} times, its history: ${text}`);
    if (/started started/.test(text)) complaints.push(`I6: ${place} was started without an end before: ${text}`);
  }
  return complaints;
}
