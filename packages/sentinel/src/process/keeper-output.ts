/** What an instance prints, as its keeper deals with it: bounded, quoted, read out, dumped. */
import { statSync } from "node:fs";
import type { ReplyTo } from "@castellan/actor";
import { CastellanError, type Clock, ensureError, type Logger, systemCode } from "@castellan/kernel";
import type { Keeper, ProcessKey } from "@castellan/protocol";
import type { z } from "zod";
import { writeDump } from "../output/dump.ts";
import { outputFileOf } from "../output/output-file.ts";
import { readOutputPart } from "../output/output-part.ts";
import type { OutputTrim } from "../output/output-trim.ts";
import { readLastLine } from "./last-line.ts";

type ReadOutput = typeof Keeper.messages.ReadOutput;
type DumpState = Readonly<Record<string, string | number | null>>;

export interface KeeperOutput {
  readonly file: string;
  /** Where the output of the present launch begins in the file, bytes. */
  readonly offset: number;
  /** The next launch begins at what is now the end. */
  beginLaunch(): void;
  lastLine(): string | null;
  /** Answers when it is read; the keeper does not wait for it. */
  read(request: Omit<z.infer<ReadOutput["request"]>, "type">, replyTo: ReplyTo<z.infer<ReadOutput["reply"]>>): void;
  /** What there is at this moment, whatever is printed afterwards. Answers the dump's path. */
  dump(pid: number | null, state: DumpState): Promise<string>;
  letGo(): void;
}

export interface KeeperOutputDeps {
  readonly home: string;
  readonly key: ProcessKey;
  readonly outputs: OutputTrim;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the output of the present launch begins, as recorded. */
  readonly offset: number;
  /** How much is kept, bytes. */
  keep(): number;
  /** `offset` has changed. */
  onMoved(): void;
}

export function createKeeperOutput(deps: KeeperOutputDeps): KeeperOutput {
  const { home, key, clock } = deps;
  const file = outputFileOf(home, key);
  let { offset } = deps;
  const untrim = deps.outputs.watch({
    path: file,
    keep: () => deps.keep(),
    onMoved(bytes) {
      offset = Math.max(0, offset - bytes);
      deps.onMoved();
    },
  });
  const size = (): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return {
    file,
    get offset() {
      return offset;
    },
    beginLaunch() {
      offset = size();
    },
    lastLine: () => readLastLine(file, offset),
    read(request, replyTo) {
      readOutputPart(file, request).then(
        ({ data, ...part }) => replyTo.success({ ...part, data: Buffer.from(data).toString("base64") }),
        (thrown: unknown) => replyTo.refuse(refusal(thrown)),
      );
    },
    dump: (pid, state) => writeDump(home, { key, pid, at: clock.now(), state, output: file, end: size() }),
    letGo: untrim,
  };
}

/** The system's errors keep their code for the asker. */
function refusal(thrown: unknown): CastellanError {
  if (thrown instanceof CastellanError) return thrown;
  return new CastellanError(systemCode(thrown) ?? "INTERNAL", ensureError(thrown).message);
}
