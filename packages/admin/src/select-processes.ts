/** The processes that a target means, of a report in hand. Pure. */
import { CastellanError } from "@castellan/kernel";
import { didYouMean, type ProcessReport, type StatusReport, type Target } from "@castellan/protocol";

export interface SelectedProcess extends ProcessReport {
  readonly server: string;
  readonly machineId: number;
}

/** Servers by name or id, everything in any case. Throws UNKNOWN_SERVER, UNKNOWN_TYPE or UNKNOWN_INSTANCE with what is known. */
export function selectProcesses(
  { servers }: Pick<StatusReport, "servers">,
  { server, type, instance }: Target,
): readonly SelectedProcess[] {
  const onServers =
    server === undefined ? servers : servers.filter(({ id, name }) => String(id) === server || same(name, server));
  if (server !== undefined && onServers.length === 0) {
    const names = servers.map(({ name }) => name);
    throw unknown("UNKNOWN_SERVER", `there is no server "${server}"`, server, names);
  }
  const all = onServers.flatMap(({ id, name, processes }) =>
    processes.map((one) => ({ ...one, server: name, machineId: id })),
  );
  const ofType = type === undefined ? all : all.filter((one) => same(one.type, type));
  if (type !== undefined && ofType.length === 0) {
    const where = server === undefined ? "" : ` on ${server}`;
    throw unknown("UNKNOWN_TYPE", `there is no process ${type}${where}`, type, [
      ...new Set(all.map((one) => one.type)),
    ]);
  }
  const meant = instance === undefined ? ofType : ofType.filter((one) => one.instance === instance);
  if (meant.length > 0 || instance === undefined) return meant;
  const numbers = [...new Set(ofType.map((one) => String(one.instance)))];
  throw unknown("UNKNOWN_INSTANCE", `there is no ${type ?? "process"} ${instance}`, "", numbers);
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function unknown(code: string, message: string, typed: string, known: readonly string[]): CastellanError {
  const hint = typed === "" ? "" : didYouMean(typed, known);
  const list = known.length === 0 ? "none" : known.join(", ");
  return new CastellanError(code, `${message}${hint} (known: ${list})`, { details: { known } });
}
