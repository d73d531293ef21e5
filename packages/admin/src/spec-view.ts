/** What a spec is compared with, and what the comparison says of instances. */
import type { ProcessType, WorkQueue } from "@castellan/protocol";

/** What a node has now, as far as a spec can change it. */
export interface SpecView {
  readonly masterId: number | null;
  readonly servers: readonly { readonly id: number; readonly name: string }[];
  /** Null: there is a definition, and it cannot be read. */
  readonly types: ReadonlyMap<string, ProcessType | null>;
  readonly instances: readonly {
    readonly serverId: number;
    readonly type: string;
    readonly instance: number;
    /** False: temporary, and none of those a spec counts. */
    readonly persistent?: boolean;
  }[];
  /** By `{server id}/{type}`, the highest number ever given there. */
  readonly lastNumbers?: ReadonlyMap<string, number>;
  /** Null: as with types. */
  readonly queues: ReadonlyMap<string, WorkQueue | null>;
}

export interface InstanceChange {
  readonly server: string;
  readonly serverId: number;
  readonly type: string;
  readonly instance: number;
  readonly change: "added" | "removed";
}
