/** A backup as a file: compressed, for its owner only, on disk and whole before it has its name; read as it may lie there. */
import { createReadStream, createWriteStream } from "node:fs";
import { access, link, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { syncDirectory } from "@castellan/daemon";
import { CastellanError, ensureError, systemCode } from "@castellan/kernel";

/** `draftId`: unlike any other's; several may write at once, and one of them gets the name. Throws FILE_EXISTS, and the system's error. */
export async function writeBackupFile(path: string, draftId: string, text: AsyncIterable<string>): Promise<void> {
  // Before the work; what counts is `claim`.
  if (await isThere(path)) throw taken(path);
  const draft = `${path}.${draftId}.new`;
  try {
    const file = createWriteStream(draft, { flags: "wx", mode: 0o600, flush: true });
    await pipeline(Readable.from(text, { objectMode: true }), createGzip(), file);
    await claim(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(dirname(path));
}

/** Gives a whole file its name, unless somebody else has taken that meanwhile. */
async function claim(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (thrown) {
    const code = systemCode(thrown) ?? "";
    if (code === "EEXIST") throw taken(path);
    if (!WITHOUT_LINKS.has(code)) throw thrown;
    // There the name is taken first, and then what is behind it is replaced.
    await reserve(path);
    await rename(draft, path);
  }
}

async function reserve(path: string): Promise<void> {
  try {
    await (await open(path, "wx")).close();
  } catch (thrown) {
    throw systemCode(thrown) === "EEXIST" ? taken(path) : thrown;
  }
}

/** What file systems say that know no hard links. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

const taken = (path: string): CastellanError =>
  new CastellanError("FILE_EXISTS", `${path} is there already: nothing was written`, { details: { path } });

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
