/** Which instances a person means by `[SERVER] TYPE [N]`. Pure. */
import { CastellanError } from "@castellan/kernel";
import { didYouMean, type StatusReport } from "@castellan/protocol";

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
  const { server, type, number } = parseWords(words);
  const all = servers.flatMap(({ name, processes }) => processes.map((process) => ({ ...process, server: name })));
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
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

/** A number in the second place is an instance: names of types and servers that are numbers need all three words. */
function parseWords(words: readonly string[]): { server: string | null; type: string; number: number | null } {
  const [first = "", second, third] = words;
  if (words.length > 3)
    throw new CastellanError("USAGE", `"${words.join(" ")}" is too much: write [SERVER] TYPE [INSTANCE]`);
  const numberOf = (text: string): number => {
    if (/^\d{1,5}$/.test(text)) return Number(text);
    throw new CastellanError("USAGE", `"${text}" is not an instance number`);
  };
  if (second === undefined) return { server: null, type: first, number: null };
  if (third !== undefined) return { server: first, type: second, number: numberOf(third) };
  if (/^\d+$/.test(second)) return { server: null, type: first, number: numberOf(second) };
  return { server: first, type: second, number: null };
}
