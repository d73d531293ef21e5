/** `castellan backup FILE`: one file that holds the schema as it is at one moment; `--verify` reads such a file. */
import { resolve } from "node:path";
import { recordBackup } from "@castellan/admin";
import { backupLines, openBackup } from "@castellan/admin/schema";
import {
  CastellanError,
  createIdSource,
  createSystemClock,
  ensureError,
  PROGRAM_VERSION,
  silentLogger,
  systemRng,
} from "@castellan/kernel";
import type { BackupHeader } from "@castellan/protocol";
import { openSnapshot, SCHEMA_VERSION } from "@castellan/store/typeorm";
import { readBackupLines, writeBackupFile } from "../backup-file.ts";
import { databaseOptions } from "../database-options.ts";
import { EXIT } from "../exit-code.ts";
import { readHome } from "../home.ts";
import { printJson, type Run } from "../invocation.ts";
import { progressLine } from "../progress.ts";

export const run: Run<[string, { readonly verify?: boolean }]> = async (invocation, file, { verify = false }) => {
  const { io } = invocation;
  const path = resolve(io.cwd, file);
  const { header, rows } = verify ? await verified(path) : await written(invocation, path);
  if (invocation.json) printJson(invocation, { file: path, ...header, rows });
  else
    io.out(
      `${verify ? "" : "wrote "}${path}: node ${header.node} as of ${header.takenAt}, ${rows} rows${verify ? ", whole" : ""}\n`,
    );
  return EXIT.done;
};

interface Read {
  readonly header: BackupHeader;
  readonly rows: number;
}

async function verified(path: string): Promise<Read> {
  const { header, pages } = await openBackup(readBackupLines(path), SCHEMA_VERSION);
  let rows = 0;
  for await (const page of pages) rows += page.rows.length;
  return { header, rows };
}

async function written(invocation: Parameters<typeof run>[0], path: string): Promise<Read> {
  const clock = createSystemClock();
  const { settings } = await readHome(invocation.home, invocation.io.hostName);
  const broken: string[] = [];
  const snapshot = await openSnapshot({
    ...databaseOptions(settings.database),
    clock,
    rng: systemRng,
    logger: silentLogger,
    onBrokenValue: ({ table, row, column, problem }) =>
      broken.push(`${table}, row ${row}, column ${column}: ${problem}`),
  });
  const line = progressLine(invocation, clock);
  try {
    const [node] = await snapshot.find("nodes", { limit: 1 });
    if (node === undefined) throw new CastellanError("NODE_MISSING", "the schema holds no node yet");
    const [id] = await snapshot.find("node_parameter", { where: { name: "schema_id" } });
    const header: BackupHeader = {
      castellan: "backup",
      format: 1,
      product: PROGRAM_VERSION,
      schema: SCHEMA_VERSION,
      node: node.node_name,
      schemaId: id?.value ?? null,
      takenAt: clock.now().toISOString(),
    };
    let rows = 0;
    const text = backupLines(snapshot, header, (page) => {
      rows += page.rows.length;
      line.show({ doing: "copying", table: page.table, rows });
    });
    await writeBackupFile(path, createIdSource(clock, systemRng)(), text);
    line.end();
    for (const problem of broken) invocation.io.err(`castellan: ${problem}; the backup holds that instead\n`);
    await record(invocation, path, header, rows);
    return { header, rows };
  } finally {
    line.end();
    await snapshot.close();
  }
}

/** For whoever upgrades. The backup is whole without it: a database that cannot be written may be the reason for it. */
async function record(
  invocation: Parameters<typeof run>[0],
  file: string,
  header: BackupHeader,
  rows: number,
): Promise<void> {
  try {
    await recordBackup(await invocation.openAdmin(), { file, takenAt: header.takenAt, schema: header.schema, rows });
  } catch (thrown) {
    const { message } = ensureError(thrown);
    invocation.io.err(`castellan: the backup is whole, but it could not be put on record: ${message}\n`);
  }
}
