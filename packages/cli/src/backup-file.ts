/** A backup as a file: compressed, for its owner only, on disk and whole before it has its name; read as it may lie there. */
import { createReadStream, createWriteStream } from "node:fs";
import { access, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { syncDirectory } from "@castellan/daemon";
import { CastellanError, ensureError, systemCode } from "@castellan/kernel";

/** Throws FILE_EXISTS, and the system's error: then there is no file. */
export async function writeBackupFile(path: string, text: AsyncIterable<string>): Promise<void> {
  if (await isThere(path)) {
    throw new CastellanError("FILE_EXISTS", `${path} is there already: nothing was written`, { details: { path } });
  }
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  try {
    const file = createWriteStream(draft, { flags: "wx", mode: 0o600, flush: true });
    await pipeline(Readable.from(text, { objectMode: true }), createGzip(), file);
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw thrown;
  }
  await syncDirectory(dirname(path));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

/** No row of ours is longer, characters. */
const MAX_LINE = 64 * 1024 * 1024;

/** Without their line feeds. Throws NO_BACKUP, BACKUP_DAMAGED, and the system's error. */
export async function* readBackupLines(path: string): AsyncGenerator<string> {
  // Nothing that could keep a reader waiting for ever.
  if (!(await stat(path)).isFile()) throw new CastellanError("NO_BACKUP", `${path} is not a regular file`);
  const source = createReadStream(path);
  const text = createGunzip();
  source.once("error", (error) => text.destroy(error));
  source.pipe(text).setEncoding("utf8");
  let rest = "";
  try {
    for await (const chunk of text) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE) throw new CastellanError("BACKUP_DAMAGED", `${path} holds a line without an end`);
      yield* lines;
    }
  } catch (thrown) {
    throw named(thrown, path);
  } finally {
    source.destroy();
    text.destroy();
  }
  if (rest !== "") yield rest;
}

function named(thrown: unknown, path: string): unknown {
  const code = systemCode(thrown) ?? "";
  if (!code.startsWith("Z_")) return thrown;
  const { message } = ensureError(thrown);
  return message.includes("incorrect header")
    ? new CastellanError("NO_BACKUP", `${path} is no backup of castellan: it is not compressed by gzip`)
    : new CastellanError("BACKUP_DAMAGED", `${path} is damaged (${message}): take another backup`, { cause: thrown });
}
