import type { ProcessReport, StatusReport } from "@castellan/protocol";
import { describe, expect, it } from "vitest";
import { formatStatus } from "../src/format/status.ts";
import { createStyle } from "../src/format/style.ts";

const layout = { style: createStyle(false), columns: 80, now: new Date(0) };
const report = (change: Partial<StatusReport>): StatusReport => ({
  node: "ips1",
  state: "STOPPED",
  epoch: 1,
  master: "hades",
  stale: true,
  servers: [
    {
      id: 1,
      name: "hades",
      role: "master",
      state: "down",
      lastSeen: null,
      stale: false,
      sentinel: null,
      processes: [],
    },
  ],
  ...change,
});
const web: ProcessReport = {
  type: "WEB",
  instance: 1,
  status: "RUNNING",
  enabled: true,
  persistent: true,
  pid: 4711,
  since: null,
  restarts: 0,
  comment: null,
};

/** Of a server that is down, missed or taken down in order. */
function at(stale: boolean): string {
  const zeus = { id: 2, name: "zeus", role: "slave", state: "down", lastSeen: null, sentinel: null } as const;
  return formatStatus(report({ servers: [{ ...zeus, stale, processes: [web] }] }), layout);
}

describe("a status that may be out of date", () => {
  it("of a node that was taken down in order is no reason to warn", () => {
    const text = formatStatus(report({}), layout);
    expect(text).toContain("the node is down; `castellan up` brings it up");
    expect(text).not.toContain("warning");
  });

  it("of a node that should run says why it is doubted", () => {
    expect(formatStatus(report({ state: "RUNNING" }), layout)).toContain("warning: this may be out of date: the bus");
    expect(formatStatus(report({ state: "RUNNING", master: null }), layout)).toContain("no server is master");
    expect(formatStatus(report({ state: "RUNNING", stale: false }), layout)).not.toContain("warning");
  });

  it("of a server that is missed calls nothing running that may not run", () => {
    expect(at(true)).toContain("RUNNING?");
    expect(at(true)).toContain("what runs here is unknown");
    expect(at(false)).not.toContain("RUNNING?");
    expect(at(false)).not.toContain("unknown");
  });
});
