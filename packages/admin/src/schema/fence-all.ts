/** Takes a schema away from everybody who works with it: whoever comes late is refused by the guards he writes under. */
import { type Gateway, update, type Write } from "@castellan/store";

/** Of the commit that says why: no master, an epoch that nobody rules, incarnations that nobody has. `least`: at least that epoch. */
export async function fenceAll(gateway: Pick<Gateway, "find">, least = 0): Promise<{ writes: Write[]; epoch: number }> {
  const [state] = await gateway.find("node_state", { where: { id: 1 } });
  if (state === undefined) return { writes: [], epoch: least };
  const epoch = Math.max(state.epoch + 1, least);
  const writes = [
    update("node_state", { id: 1, epoch: state.epoch }, { epoch, fence: { add: 1 }, master_id: null, nonce: null }),
    update("node_cluster", { master: true }, { master: false }, "any"),
    update("operation", { state: "open" }, { epoch }, "any"),
    update("operation_step", { state: { in: ["pending", "ready", "claimed"] } }, { epoch }, "any"),
  ];
  return { writes, epoch };
}

/** The next sentinels take greater ones. */
export const raiseIncarnations = (by: number): Write => update("sentinel", {}, { incarnation: { add: by } }, "any");
