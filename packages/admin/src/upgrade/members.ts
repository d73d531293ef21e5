/** The servers of a node as an upgrade sees them: also in a schema that this release has not migrated yet. */
import type { Gateway } from "@castellan/store";

export interface UpgradeMember {
  readonly id: number;
  readonly name: string;
  readonly isMaster: boolean;
  readonly program: string | null;
  readonly isRunning: boolean;
  readonly isUp: boolean;
}

/** `saysProgram`: the schema has a table for it. */
export async function readMembers(gateway: Gateway, saysProgram: boolean): Promise<UpgradeMember[]> {
  const [members, states, [node], sentinels, programs] = await Promise.all([
    gateway.find("node_cluster", { orderBy: [{ column: "logical_machine_id" }] }),
    gateway.find("server_state"),
    gateway.find("node_state", { limit: 1 }),
    gateway.find("sentinel"),
    saysProgram ? gateway.find("sentinel_program") : [],
  ]);
  return members.map(({ logical_machine_id: id, physical_machine_name: name }) => {
    const sentinel = sentinels.find((row) => row.logical_machine_id === id);
    const state = states.find((row) => row.logical_machine_id === id)?.state;
    const said = programs.find((row) => row.logical_machine_id === id && row.incarnation === sentinel?.incarnation);
    return {
      id,
      name,
      isMaster: node?.master_id === id,
      program: said?.program_version ?? null,
      isRunning: sentinel !== undefined && sentinel.ended_at === null,
      isUp: state === "up",
    };
  });
}
