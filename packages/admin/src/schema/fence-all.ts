/** Takes a schema away from everybody who works with it: whoever comes late is refused by the guards he writes under. */
import { type Gateway, update, type Write } from "@castellan/store";

export interface Fenced {
  /** Of the commit that says why: no master, and an epoch that nobody rules. */
  readonly writes: readonly Write[];
  readonly epoch: number;
}

/** The epoch becomes greater, by so much, than the schema's and `above`. A schema without a node has none. */
export async function fenceAll(
  gateway: Pick<Gateway, "find">,
  { above = 0, by = 1 }: { readonly above?: number; readonly by?: number } = {},
): Promise<Fenced> {
  const [state] = await gateway.find("node_state", { where: { id: 1 } });
  if (state === undefined) return { writes: [], epoch: above };
  const epoch = Math.max(state.epoch, above) + by;
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
