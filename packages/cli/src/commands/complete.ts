/** `castellan __complete -- WORDS`: candidates for the last word, one a line. Called by shells; whatever fails says nothing. */
import { createSystemClock, Disposer } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";
import type { Command } from "commander";
import { candidatesFor, homeAmong, type NodeNames } from "../completion/candidates.ts";
import { EXIT } from "../exit-code.ts";
import { homeOf } from "../home-option.ts";
import type { Invocation, Run } from "../invocation.ts";

const NOBODY: NodeNames = { servers: [], instances: [], cases: [] };
const WAITING_STATES = ["new", "open", "kept"];

export const run: Run<[Command, readonly string[]]> = async (invocation, program, words) => {
  const closing = new Disposer(createSystemClock());
  try {
    const candidates = await candidatesFor(program, words, () => namesOf(invocation, homeAmong(words), closing));
    invocation.io.out(candidates === "files" ? ":files\n" : candidates.map((word) => `${word}\n`).join(""));
  } finally {
    await closing.dispose();
  }
  return EXIT.done;
};

async function namesOf(invocation: Invocation, home: string | undefined, closing: Disposer): Promise<NodeNames> {
  try {
    if (home === undefined) return await readNames((await invocation.openAdmin()).gateway);
    const { openAdmin } = await import("../open-admin.ts");
    const { io, user, command } = invocation;
    return await readNames((await openAdmin({ io, home: homeOf(io, home), user, command, closing })).gateway);
  } catch {
    return NOBODY; // no node here, or it cannot be read: the words of the grammar are all there is
  }
}

async function readNames(gateway: Gateway): Promise<NodeNames> {
  const [cluster, configs, items] = await Promise.all([
    gateway.find("node_cluster"),
    gateway.find("process_config"),
    gateway.find("work_item", { where: { state: { in: WAITING_STATES } } }),
  ]);
  const nameOf = new Map(cluster.map((row) => [row.logical_machine_id, row.physical_machine_name]));
  return {
    servers: [...nameOf.values()].sort(),
    instances: configs.map((row) => ({
      server: nameOf.get(row.logical_machine_id) ?? "",
      type: row.logical_process_name,
      instance: row.logical_process_instance,
    })),
    cases: items.map((row) => row.case_number).sort((a, b) => a - b),
  };
}
