/** Finds a nats-server to run: the one named, the one on PATH, or the one that set-up has fetched. */
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { CastellanError } from "@castellan/kernel";

export function findNatsServer(environment: Readonly<Record<string, string | undefined>>): string {
  const named = environment["CASTELLAN_NATS_SERVER"];
  const cache = environment["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const candidates = [
    ...(named === undefined || named === "" ? [] : [named]),
    ...(environment["PATH"] ?? "").split(delimiter).map((directory) => join(directory, "nats-server")),
    join(cache, "castellan", "nats-server"),
  ];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new CastellanError(
    "NO_NATS_SERVER",
    "no nats-server found: install one on PATH, or run scripts/nats-server.sh, or set nats.url in castellan.yaml to use a server of your own",
    { details: { looked: candidates } },
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not ours to run: the next candidate
  }
}
