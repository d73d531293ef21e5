/** Commits behind the fence of an epoch. */
import { CastellanError } from "@castellan/kernel";
import { type Gateway, StoreConflict, update, type Write } from "@castellan/store";

/** Another epoch rules: this desk has to end. */
export class Deposed extends CastellanError {
  constructor(epoch: number) {
    super("DEPOSED", `epoch ${epoch} is over`, { details: { epoch } });
  }
}

/** All writes or none; none, and `Deposed`, once the epoch is over. */
export type FencedCommit = (writes: readonly Write[]) => Promise<void>;

export function fencedCommit(gateway: Pick<Gateway, "commit">, epoch: number): FencedCommit {
  return async (writes) => {
    try {
      await gateway.commit([update("node_state", { id: 1, epoch }, { fence: { add: 1 } }), ...writes]);
    } catch (thrown) {
      throw thrown instanceof StoreConflict && thrown.index === 0 ? new Deposed(epoch) : thrown;
    }
  };
}
