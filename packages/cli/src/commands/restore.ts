/** `castellan restore FILE`: the schema becomes what a backup holds. */
import { join, resolve } from "node:path";
import { openBackup, restoreSchema } from "@castellan/admin/schema";
import { homePaths, isNewHome, openEpochFile, pairState } from "@castellan/daemon";
import { CastellanError, createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { openGateway, SCHEMA_VERSION } from "@castellan/store/typeorm";
import { readBackupLines } from "../backup-file.ts";
import { databaseOptions } from "../database-options.ts";
import { EXIT } from "../exit-code.ts";
import { readSettings, serverHomes } from "../home.ts";
import { homeOption } from "../home-option.ts";
import { printJson, type Run } from "../invocation.ts";
import { progressLine } from "../progress.ts";

export const run: Run<[string, { readonly replace?: boolean }]> = async (invocation, file, { replace = false }) => {
  const { io, home, user, command } = invocation;
  const path = resolve(io.cwd, file);
  if (isNewHome(homePaths(home))) {
    throw new CastellanError(
      "NO_HOME",
      `there is no home in ${home}: make one with \`castellan init ${home} --files-only --node NODE --server SERVER\`, as they are called in the backup`,
    );
  }
  const settings = await readSettings(home, io.hostName);
  const homes = serverHomes(settings).map(homePaths);
  if (homes.some((paths) => pairState(paths).worker !== null || pairState(paths).watcher !== null)) {
    throw new CastellanError(
      "SENTINELS_RUN",
      "nothing is restored while a sentinel of this home runs: end it with `castellan down`",
    );
  }
  // Once before anything is touched: what is damaged is refused whole.
  for await (const _page of (await openBackup(readBackupLines(path), SCHEMA_VERSION)).pages);
  const clock = createSystemClock();
  const line = progressLine(invocation, clock);
  const options = { ...databaseOptions(settings.database), clock, rng: systemRng, logger: silentLogger };
  const gateway = await openGateway({ ...options, migrate: "toFill", evenIfMoved: true });
  try {
    const restored = await restoreSchema({
      gateway,
      backup: await openBackup(readBackupLines(path), SCHEMA_VERSION),
      file: path,
      node: settings.node,
      replace,
      seenEpoch: Math.max(...homes.map(({ run }) => openEpochFile(join(run, "epoch"), silentLogger).highest)),
      onProgress: (progress) => line.show(progress),
      clock,
      newId: createIdSource(clock, systemRng),
      who: { user, station: io.hostName.slice(0, 64), command },
    });
    line.end();
    if (invocation.json) printJson(invocation, { file: path, ...restored });
    else {
      io.out(
        `restored node ${restored.node} as of ${restored.takenAt}: ${restored.rows} rows; the epoch is ${restored.epoch}\n`,
      );
      io.out(`bring it up with \`castellan up${homeOption(io, home)}\`\n`);
    }
    return EXIT.done;
  } finally {
    line.end();
    await gateway.close();
  }
};
