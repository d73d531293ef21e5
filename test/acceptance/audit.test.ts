/** Every change is on record: who, when, from which host, by which command. */
import { hostname } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { sw } from "../harness/sw.ts";
import { ONE } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

const Audit = z.array(
  z.object({
    id: z.string(),
    at: z.iso.datetime(),
    by: z.string(),
    station: z.string(),
    command: z.string().nullable(),
    what: z.string(),
    details: z.unknown(),
  }),
);

describe("castellan audit", () => {
  it("tells who changed what by which program, whichever it was; what was refused or looked at is no change", async () => {
    node = await makeNode({ types: ONE });
    expect((await node.up()).code).toBe(0);
    const since = new Date().toISOString();
    await sw(node, "swadm", "add_server", "zeus", "--as", "ann");
    await sw(node, "swadm", "add_server", "zeus", "--as", "ann");
    await sw(node, "swadm", "show_servers", "--as", "ann");
    await node.cli("server", "remove", "zeus", "--as", "bob");
    await sw(node, "swadm", "set_attribute", "0", "ALL", "0", "PROCESS_MAX_RESTARTS", "9", "--as", "bob");
    await sw(node, "swsvrmgr", "shutdown", "1", "one", "1", "--as", "cleo");
    await sw(node, "swstart", "--as", "cleo");

    const entries = (await node.json(Audit, "audit")).filter(({ at }) => at >= since);
    expect(entries.map(({ by, command, what }) => `${by}: ${command ?? ""}: ${what}`)).toEqual([
      "ann: swadm add_server: server.add",
      "bob: castellan server remove: server.remove",
      "bob: swadm set_attribute: attribute.set",
      "cleo: swsvrmgr SHUTDOWN: operation.shutdown",
      "cleo: swstart: operation.start",
    ]);
    expect(new Set(entries.map(({ station }) => station))).toEqual(new Set([hostname()]));
    expect(entries[2]?.details).toMatchObject({ name: "PROCESS_MAX_RESTARTS", before: null, after: "9" });
    expect((await node.json(Audit, "audit", "--by", "bob", "-n", "1")).map(({ what }) => what)).toEqual([
      "attribute.set",
    ]);
    const shown = await node.cli("audit", "--since", "1h", "--by", "ann");
    expect(shown.stdout, said(shown)).toMatch(/^WHEN +WHO +FROM +COMMAND +WHAT +DETAILS\n.*ann .*swadm add_server/);
  });
});
