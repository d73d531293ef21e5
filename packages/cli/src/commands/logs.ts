/** `castellan logs [SERVER] TYPE [N]`: what processes print; `castellan dumplog`: puts the last of it away. */
import { dumpLog, findInstances, type InstanceOnServer, type OutputReader, remoteOutput } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { CastellanError, sleep } from "@castellan/kernel";
import { processLabel } from "@castellan/protocol";
import { EXIT } from "../exit-code.ts";
import { createOutputLines } from "../format/output-lines.ts";
import { createStyle } from "../format/style.ts";
import { homeOfServer, readSettings } from "../home.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";

const DEFAULT_LINES = 100;
/** How often is looked for more: in a file here, on another server. */
const LOCAL_MS = 100;
const REMOTE_MS = 500;

export interface LogOptions {
  readonly follow?: boolean;
  readonly lines?: number;
}

interface Source {
  readonly instance: InstanceOnServer;
  readonly isHere: boolean;
  readonly read: OutputReader;
}

export const run: Run<[readonly string[], LogOptions]> = async (invocation, words, options) => {
  const { follow = false, lines = DEFAULT_LINES } = options;
  const sources = await openSources(invocation, words);
  const isOne = sources.length === 1;
  const shows = sources.map((source) => ({ source, show: createShow(invocation, source, isOne) }));
  if (follow) {
    await Promise.all(shows.map(({ source, show }) => followOne(invocation, source, lines, show)));
    return EXIT.done;
  }
  for (const { source, show } of shows) {
    try {
      await readToEnd(source, null, lines, show, invocation.io.interrupted);
      show.end();
    } catch (thrown) {
      // One that has not begun to print does not hide the others.
      if (isOne || !(thrown instanceof CastellanError && thrown.code === "NO_OUTPUT")) throw thrown;
      invocation.io.err(`castellan: ${thrown.message}\n`);
    }
  }
  return EXIT.done;
};

export const dump: Run<[readonly string[]]> = async (invocation, words) => {
  const ctx = await invocation.openAdmin();
  const { server } = await readSettings(invocation.home, invocation.io.hostName);
  for (const instance of findInstances(await status(ctx), words, server)) {
    const file = await dumpLog(ctx, instance);
    if (invocation.json) printJson(invocation, { ...instance, file });
    else invocation.io.out(`${processLabel(instance)} on ${instance.server}: ${file}\n`);
  }
  return EXIT.done;
};

/** The files themselves when the instances are of a server of this home: then no sentinel is needed. */
async function openSources(invocation: Invocation, words: readonly string[]): Promise<Source[]> {
  const ctx = await invocation.openAdmin();
  const settings = await readSettings(invocation.home, invocation.io.hostName);
  const found = findInstances(await status(ctx), words, settings.server);
  const { outputFileOf, readOutputPart } = await import("@castellan/daemon/output");
  return found.map((instance) => {
    const home = homeOfServer(settings, instance.server);
    if (home === null) return { instance, isHere: false, read: remoteOutput(ctx, instance) };
    const file = outputFileOf(home, instance);
    return { instance, isHere: true, read: (from, lines) => readOutputPart(file, { from, lines }) };
  });
}

interface Show {
  part(data: Uint8Array, isTorn: boolean): void;
  end(): void;
}

function createShow(invocation: Invocation, { instance }: Source, isOne: boolean): Show {
  const { io, json } = invocation;
  const { type, instance: number, server } = instance;
  const label = processLabel(instance);
  const prefix = isOne ? "" : createStyle(io.outColour).faint(`${label} | `);
  const output = createOutputLines(io.isTerminal && !json);
  const print = (lines: readonly string[]): void => {
    const printed = lines.map((line) =>
      json ? JSON.stringify({ server, type, instance: number, line }) : `${prefix}${line}`,
    );
    if (printed.length > 0) io.out(`${printed.join("\n")}\n`);
  };
  return {
    part(data, isTorn) {
      if (isTorn) io.err(`castellan: some lines of ${label} were cut off before they could be read\n`);
      print(output.next(data, isTorn));
    },
    end: () => print(output.end()),
  };
}

/** Everything up to now; answers where to go on. */
async function readToEnd(
  source: Source,
  from: string | null,
  lines: number,
  show: Show,
  signal: AbortSignal,
): Promise<string> {
  for (let place = from; ; ) {
    const part = await source.read(place, lines);
    show.part(part.data, part.isTorn);
    place = part.next;
    if (!part.hasMore || signal.aborted) return place;
  }
}

async function followOne(invocation: Invocation, source: Source, lines: number, show: Show): Promise<void> {
  const { clock } = await invocation.openAdmin();
  const { interrupted } = invocation.io;
  const everyMs = source.isHere ? LOCAL_MS : REMOTE_MS;
  let place: string | null = null;
  let isWaiting = false;
  while (!interrupted.aborted) {
    try {
      place = await readToEnd(source, place, lines, show, interrupted);
      isWaiting = false;
    } catch (thrown) {
      // It may begin to print, its server may come back.
      const passes = thrown instanceof CastellanError && (thrown.code === "NO_OUTPUT" || thrown.retryable);
      if (!passes) throw thrown;
      if (!isWaiting) invocation.io.err(`castellan: ${thrown.message}; waiting\n`);
      isWaiting = true;
    }
    await sleep(clock, everyMs, interrupted);
  }
}
