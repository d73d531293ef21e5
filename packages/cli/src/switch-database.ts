/** A home that is told where its schema is from now on: one key of `castellan.yaml`, whose comments and other keys stay. */
import { chmodSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "@castellan/daemon";
import { changeConfigText, parseConfig, readConfigText } from "@castellan/kernel/config";
import { HomeConfig } from "@castellan/protocol";

export interface DatabaseSetting {
  readonly url: string;
  /** Absolute. */
  readonly passwordFile: string | null;
}

/**
 * Answers how to do it: whether it can be done is known before anything is begun. In the order given; the last one decides what a
 * program believes that was started in it. Throws CONFIG_INVALID.
 */
export function planSwitch(homes: readonly string[], { url, passwordFile }: DatabaseSetting): () => Promise<void> {
  const setting = { url, ...(passwordFile === null ? {} : { passwordFile }) };
  const files = [...new Set(homes)].map((home) => {
    const file = join(home, "castellan.yaml");
    const text = changeConfigText(existsSync(file) ? readConfigText(file) : "", "database", setting);
    parseConfig(text, file, HomeConfig);
    return { file, text };
  });
  return async () => {
    for (const { file, text } of files) {
      const mode = existsSync(file) ? statSync(file).mode : 0o644;
      await writeDurably(file, text);
      chmodSync(file, mode);
    }
  };
}
