/** The highest instance number that a type was ever given on a server: what was given once is not given again. Pure. */
import { insert, type Row, update, type Write } from "@castellan/store";

export interface Numbered {
  readonly serverId: number;
  readonly type: string;
  readonly instance: number;
}

const sameCounter = (row: Row<"process_number">, { serverId, type }: Numbered): boolean =>
  row.logical_machine_id === serverId && row.logical_process_name === type;

/** Notes that the numbers of these have been given, whether they come or go. `numbers`: all rows that may concern them. */
export function numberWrites(numbers: readonly Row<"process_number">[], instances: readonly Numbered[]): Write[] {
  const highest = new Map<string, Numbered>();
  for (const one of instances) {
    const key = `${one.serverId}/${one.type}`;
    if ((highest.get(key)?.instance ?? 0) < one.instance) highest.set(key, one);
  }
  return [...highest.values()].flatMap((one): Write[] => {
    const counter = { logical_machine_id: one.serverId, logical_process_name: one.type };
    const known = numbers.find((row) => sameCounter(row, one));
    if (known === undefined) return [insert("process_number", { ...counter, last_instance: one.instance })];
    const { last_instance } = known;
    if (last_instance >= one.instance) return [];
    return [update("process_number", { ...counter, last_instance }, { last_instance: one.instance })];
  });
}
