/** A backup as lines of text (`protocol/src/backup.ts` says which): written from any reader, read with every doubt. */
import { createHash } from "node:crypto";
import { CastellanError } from "@castellan/kernel";
import { BackupEnd, BackupHeader, BackupRow, BackupTable } from "@castellan/protocol";
import { tables } from "@castellan/store";
import { COPIED_TABLES, PAGE, type Page, type Reader, readPages, withEveryColumn } from "@castellan/store/copy";

/** Chunks of whole lines. `onRows` is told of each page. */
export async function* backupLines(
  reader: Reader,
  header: BackupHeader,
  onRows: (page: Page) => void = () => undefined,
): AsyncGenerator<string> {
  const hash = createHash("sha256");
  const counts = new Map<string, number>();
  const said = (...lines: unknown[]): string => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    hash.update(text);
    return text;
  };
  yield said(header);
  for await (const page of readPages(reader)) {
    const columns = Object.keys(tables[page.table].columns);
    const before = counts.get(page.table) ?? 0;
    const rows = page.rows.map((row) => columns.map((name) => plain(row[name] ?? null)));
    yield before === 0 ? said({ table: page.table, columns }, ...rows) : said(...rows);
    counts.set(page.table, before + rows.length);
    onRows(page);
  }
  yield `${JSON.stringify({ end: { tables: Object.fromEntries(counts), digest: hash.digest("hex") } })}\n`;
}

const plain = (value: unknown): unknown => (value instanceof Date ? value.toISOString() : value);

/** A backup whose header has been read and found fit for this program. */
export interface OpenedBackup {
  readonly header: BackupHeader;
  /** Throws BACKUP_DAMAGED at the end, or before, when it is not what was written. */
  readonly pages: AsyncIterable<Page>;
}

/** `lines`: without their line feeds. Throws NO_BACKUP, BACKUP_NEWER. */
export async function openBackup(lines: AsyncIterable<string>, schemaVersion: number): Promise<OpenedBackup> {
  const source = lines[Symbol.asyncIterator]();
  const first = await source.next();
  const header = first.done === true ? null : BackupHeader.safeParse(parsed(first.value)).data;
  if (first.done === true || !header) throw new CastellanError("NO_BACKUP", "this file is no backup of castellan");
  if (header.schema > schemaVersion) {
    throw new CastellanError(
      "BACKUP_NEWER",
      `this backup is of version ${header.schema} of the schema (castellan ${header.product}), this program knows ${schemaVersion}: install the newer program`,
      { details: { found: header.schema, known: schemaVersion, product: header.product } },
    );
  }
  return { header, pages: pagesOf(first.value, { [Symbol.asyncIterator]: () => source }) };
}

async function* pagesOf(first: string, rest: AsyncIterable<string>): AsyncGenerator<Page> {
  const hash = createHash("sha256").update(`${first}\n`);
  const counts: Record<string, number> = {};
  let table: OpenTable | null = null;
  let at = 1;
  for await (const line of rest) {
    at += 1;
    const value = parsed(line);
    const end = BackupEnd.safeParse(value).data?.end;
    if (end !== undefined) {
      if (table !== null && table.rows.length > 0) yield table.page();
      if (end.digest !== hash.digest("hex") || JSON.stringify(end.tables) !== JSON.stringify(counts)) {
        throw damaged("what it holds is not what was written");
      }
      return;
    }
    hash.update(`${line}\n`);
    const next = BackupTable.safeParse(value).data;
    if (next !== undefined) {
      if (table !== null && table.rows.length > 0) yield table.page();
      table = openTable(next, table);
      continue;
    }
    const row = BackupRow.safeParse(value).data;
    if (row === undefined || table === null) throw damaged(`line ${at} is none of a backup`);
    table.add(row, at);
    counts[table.name] = (counts[table.name] ?? 0) + 1;
    if (table.rows.length === PAGE) yield table.page();
  }
  throw damaged("its end is missing");
}

type OpenTable = ReturnType<typeof openTable>;

function openTable({ table: written, columns }: BackupTable, before: { readonly name: string } | null) {
  const at = COPIED_TABLES.findIndex((one) => one === written);
  const name = COPIED_TABLES[at];
  if (name === undefined) throw damaged(`there is no table ${written}`);
  if (before !== null && at <= COPIED_TABLES.findIndex((one) => one === before.name)) {
    throw damaged(`table ${written} is not where it belongs`);
  }
  const shape = tables[name].columns;
  const kinds = columns.map((column) => Object.entries(shape).find(([known]) => known === column)?.[1].kind);
  const unknown = columns.find((_, index) => kinds[index] === undefined);
  if (unknown !== undefined) throw damaged(`table ${written} has no column ${unknown}`);
  const rows: Page["rows"][number][] = [];
  return {
    name,
    rows,
    add(values: BackupRow, line: number): void {
      if (values.length !== columns.length) throw damaged(`line ${line} has ${values.length} values`);
      const entries = columns.map((column, index) => [column, valueOf(kinds[index], values[index] ?? null)]);
      rows.push(withEveryColumn(name, Object.fromEntries(entries)));
    },
    /** What has been added since the last. */
    page: (): Page => ({ table: name, rows: rows.splice(0) }),
  };
}

/** The gateway checks what it is given; only times look different in a file. */
const valueOf = (kind: string | undefined, value: BackupRow[number]): BackupRow[number] | Date =>
  kind === "time" && typeof value === "string" ? new Date(value) : value;

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const damaged = (why: string): CastellanError =>
  new CastellanError("BACKUP_DAMAGED", `the backup is damaged: ${why}; take another one`, { details: { why } });
