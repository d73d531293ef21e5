/**
 * A home that is told where its schema is from now on: one key of `castellan.yaml`, whose comments and other keys stay.
 *
 * S1 Minutes may lie between the plan and the change, and people write these files too: what they have written since then stays, and
 *    where they have named a database themselves, nothing is changed.
 */
import { chmodSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@castellan/daemon";
import { CastellanError } from "@castellan/kernel";
import { changeConfigText, parseConfig, readConfigText } from "@castellan/kernel/config";
import { HomeConfig } from "@castellan/protocol";

export interface DatabaseSetting {
  readonly url: string;
  /** Absolute. */
  readonly passwordFile: string | null;
}

/**
 * Answers how to do it: whether it can be done is known before anything is begun. In the order given; the last one decides what a
 * program believes that was started in it. Throws CONFIG_INVALID, and CONFIG_CHANGED later.
 */
export function planSwitch(homes: readonly string[], { url, passwordFile }: DatabaseSetting): () => Promise<void> {
  const setting = { url, ...(passwordFile === null ? {} : { passwordFile }) };
  const changed = (file: string, text: string): string => {
    const after = changeConfigText(text, "database", setting);
    parseConfig(after, file, HomeConfig);
    return after;
  };
  const planned = [...new Set(homes)].map((home) => {
    const file = join(home, "castellan.yaml");
    const text = textOf(file);
    changed(file, text);
    return { file, database: databaseIn(text, file) };
  });
  return async () => {
    const files = planned.map(({ file, database }) => {
      const text = textOf(file);
      if (databaseIn(text, file) !== database) throw changedMeanwhile(file, url);
      return { file, text: changed(file, text) };
    });
    for (const { file, text } of files) {
      const mode = existsSync(file) ? statSync(file).mode : 0o644;
      await writeDurably(file, text);
      chmodSync(file, mode);
    }
  };
}

const textOf = (file: string): string => (existsSync(file) ? readConfigText(file) : "");

/** In words that are equal when the settings are. */
const databaseIn = (text: string, file: string): string =>
  JSON.stringify(parseConfig(text, file, HomeConfig).database ?? null);

const changedMeanwhile = (file: string, url: string): CastellanError =>
  new CastellanError(
    "CONFIG_CHANGED",
    `the database in ${file} was changed meanwhile, so that stays as it is: the schema is at ${url} now; name that there, or bring back what stood there and say \`castellan schema move\` again`,
    { details: { file, url } },
  );
