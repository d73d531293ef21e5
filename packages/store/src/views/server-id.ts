/**
 * Ids of servers are given once: what is on record of one that was taken out (history, steps, audit lines, logs) would else be
 * taken for what another one did. The highest id that was freed is remembered where freed numbers of instances are, under
 * server 0, which is nobody.
 */
import { type Gateway, insertIfAbsent, update, type Write } from "../gateway.ts";

const FREED = { logical_machine_id: 0, logical_process_name: "$SERVER" };

/** The highest id that is or was a server's; 0 = there never was one. */
export async function lastServerId(gateway: Pick<Gateway, "find">): Promise<number> {
  const [last] = await gateway.find("node_cluster", {
    orderBy: [{ column: "logical_machine_id", descending: true }],
    limit: 1,
  });
  // After the servers: who has left between the two is remembered by now.
  const [freed] = await gateway.find("process_number", { where: FREED });
  return Math.max(last?.logical_machine_id ?? 0, freed?.last_instance ?? 0);
}

/** For the commit that takes a server out. */
export function freedServerId(id: number): Write[] {
  return [
    insertIfAbsent("process_number", { ...FREED, last_instance: id }),
    update("process_number", { ...FREED, last_instance: { below: id } }, { last_instance: id }, "any"),
  ];
}
