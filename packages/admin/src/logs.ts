/** What processes print, asked of the keeper on whose server they run. */
import { Keeper, processToken } from "@castellan/protocol";
import { auditRow } from "./audit.ts";
import type { AdminContext } from "./context.ts";
import type { InstanceOnServer } from "./find-instances.ts";
import { remoteActors } from "./remote-actors.ts";

/** A part of an output, and where to go on. */
export interface OutputPart {
  readonly data: Uint8Array;
  readonly next: string;
  /** Something before `data` was cut off before it was read. */
  readonly isTorn: boolean;
  readonly hasMore: boolean;
}

/** Gives what follows `from`, an earlier part's `next`; with null, the last `lines` lines. Rejects with NO_OUTPUT. */
export type OutputReader = (from: string | null, lines: number) => Promise<OutputPart>;

const READ_MS = 10_000;

export function remoteOutput(ctx: AdminContext, { server, type, instance }: InstanceOnServer): OutputReader {
  const keeper = remoteActors(ctx).remote(Keeper, { host: server, key: processToken({ type, instance }) });
  return async (from, lines) => {
    const part = await keeper.ask<"ReadOutput">({ type: "ReadOutput", from, lines }, { timeoutMs: READ_MS });
    return { ...part, data: Buffer.from(part.data, "base64") };
  };
}

/** Has the last output of an instance, and its state, put away on its server. Answers the file's path there. */
export async function dumpLog(ctx: AdminContext, { server, type, instance }: InstanceOnServer): Promise<string> {
  const keeper = remoteActors(ctx).remote(Keeper, { host: server, key: processToken({ type, instance }) });
  await ctx.gateway.commit([auditRow(ctx, "process.dumplog", { server, type, instance })]);
  const { file } = await keeper.ask<"DumpLog">({ type: "DumpLog", by: ctx.user }, { timeoutMs: READ_MS });
  return file;
}
