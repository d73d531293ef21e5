/** Which instances a person means by `[SERVER] TYPE [N]`. Pure. */
import { CastellanError } from "@castellan/kernel";
import { didYouMean, type StatusReport } from "@castellan/protocol";
import { processWords } from "./process-words.ts";

export interface InstanceOnServer {
  readonly server: string;
  readonly type: string;
  readonly instance: number;
}

/**
 * One instance, or all of a type on one server; in any case of letters. Without a server: on `here`, else on the only one
 * that has the type. Throws UNKNOWN_SERVER, UNKNOWN_TYPE, UNKNOWN_INSTANCE with a suggestion, or USAGE.
 */
export function findInstances(
  { servers }: Pick<StatusReport, "servers">,
  words: readonly string[],
  here: string,
): readonly InstanceOnServer[] {
  const { server, type, instance: number } = processWords(words);
  const all = servers.flatMap(({ name, processes }) => processes.map((process) => ({ ...process, server: name })));
  if (server !== null && !servers.some(({ name }) => same(name, server))) {
    const names = servers.map(({ name }) => name);
    throw new CastellanError("UNKNOWN_SERVER", `there is no server ${server}${didYouMean(server, names)}`);
  }
  const ofType = all.filter((process) => same(process.type, type) && (server === null || same(process.server, server)));
  const [first] = ofType;
  if (first === undefined) {
    const where = server === null ? "" : ` on ${server}`;
    const types = new Set(all.map((process) => process.type));
    throw new CastellanError("UNKNOWN_TYPE", `there is no process ${type}${where}${didYouMean(type, types)}`);
  }
  const hosts = [...new Set(ofType.map((process) => process.server))];
  const host = hosts.find((name) => same(name, here)) ?? (hosts.length === 1 ? first.server : null);
  if (host === null) {
    throw new CastellanError("USAGE", `${first.type} is on ${hosts.join(", ")}: name the server before it`);
  }
  const onHost = ofType.filter((process) => process.server === host);
  const meant = number === null ? onHost : onHost.filter(({ instance }) => instance === number);
  if (meant.length === 0) {
    const numbers = onHost.map(({ instance }) => instance).join(", ");
    throw new CastellanError("UNKNOWN_INSTANCE", `${host} has no ${first.type} ${number}, only ${numbers}`);
  }
  return meant.map(({ type: name, instance }) => ({ server: host, type: name, instance }));
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
