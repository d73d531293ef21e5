import { StatusReport } from "@castellan/protocol";
import { insert, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { fakeIo, type Node, oneServer } from "./fixture.ts";

async function journal({ gateway, ctx }: Node, outcome: "done" | "failed"): Promise<void> {
  const at = ctx.clock.now();
  const ended = { finished_at: at, created_at: at };
  const step = { operation_id: "op", logical_machine_id: 1, logical_process_name: "WEB", desired: "RUNNING" };
  const rest = { depends_on: "[]", epoch: 3, launch_id: "l", claimed_by: 1, claimed_at: at, finished_at: at };
  await gateway.commit([
    insert("operation", {
      id: "op",
      request_id: "r",
      verb: "start",
      target: "{}",
      options: "{}",
      requested_by: "ann",
      state: outcome,
      result_text: outcome === "done" ? null : "WEB 2 on hades did not start",
      epoch: 3,
      ...ended,
    }),
    insert("operation_step", {
      ...step,
      ...rest,
      id: "1",
      seq: 1,
      logical_process_instance: 1,
      state: "done",
      result_text: "started",
    }),
    insert("operation_step", {
      ...step,
      ...rest,
      id: "2",
      seq: 2,
      logical_process_instance: 2,
      state: outcome,
      result_text: outcome === "done" ? "already running" : "exit code 1",
    }),
  ]);
}

describe("castellan status", () => {
  it("draws the node", async () => {
    const node = await oneServer();
    const key = { logical_machine_id: 1, logical_process_name: "WEB", logical_process_instance: 2 };
    await node.gateway.commit([
      update("process_config", key, {
        last_known_status: "RUNNING",
        status_since: new Date(Date.UTC(2025, 11, 31, 23, 57)),
        restarts: 2,
        status_comment: "ready",
        held: false,
      }),
      insert("running_processes", { ...key, process_id: 4711, port_number: 0 }),
    ]);
    const { code, stdout } = await node.castellan(["status"]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "ips1  RUNNING  master hades  epoch 3",
        "warning: this may be out of date: the bus cannot be reached, or the master has not written for a while",
        "",
        "hades  #1  master  down  never seen",
        "  PROCESS  STATUS    PID    FOR  RESTARTS  COMMENT",
        "  WEB 1    STOPPED     -      -         0",
        "  WEB 2    RUNNING  4711  3 min         2  ready",
        "",
      ].join("\n"),
    );
  });

  it("prints the contract's JSON", async () => {
    const { stdout } = await (await oneServer()).castellan(["status", "--json"]);
    expect(StatusReport.parse(JSON.parse(stdout))).toMatchObject({ node: "ips1", stale: true });
    expect(stdout.endsWith("}\n")).toBe(true);
  });

  it("redraws until interrupted, and on a terminal in place", async () => {
    const io = fakeIo({ isTerminal: true });
    const redrawn: string[] = [];
    const watching = {
      ...io,
      out: (text: string) => {
        redrawn.push(text);
        if (redrawn.length === 3) io.interrupt();
      },
    };
    const node = await oneServer();
    const { code } = await node.castellan(["status", "--watch"], watching);
    expect(code).toBe(0);
    expect(redrawn).toHaveLength(3);
    expect(redrawn.every((text) => text.startsWith("\u001b[H\u001b[2J"))).toBe(true);
  });
});

describe("castellan start, stop, restart", () => {
  it("shows each process once it is done, and the outcome", async () => {
    const node = await oneServer(() => '{"operationId":"op"}');
    await journal(node, "done");
    const { code, stdout } = await node.castellan(["start"]);
    expect(code).toBe(0);
    expect(stdout).toBe("hades WEB 1: done (started)\nhades WEB 2: done (already running)\nstart done (2 done)\n");
  });

  it("fails with 1 when a part failed, and says which", async () => {
    const node = await oneServer(() => '{"operationId":"op"}');
    await journal(node, "failed");
    const { code, stdout } = await node.castellan(["start"]);
    expect(code).toBe(1);
    expect(stdout).toContain("hades WEB 2: failed (exit code 1)\n");
    expect(stdout).toContain("start failed: WEB 2 on hades did not start (1 done, 1 failed)\n");
  });

  it("prints only the last report with --json", async () => {
    const node = await oneServer(() => '{"operationId":"op"}');
    await journal(node, "done");
    const { stdout } = await node.castellan(["start", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ id: "op", state: "done", steps: [{ instance: 1 }, { instance: 2 }] });
  });

  it("asks for what was named, any case, with the right verb", async () => {
    const asked: string[] = [];
    const node = await oneServer((subject, body) => {
      asked.push(`${subject} ${JSON.stringify(JSON.parse(body).target)}`);
      return '{"operationId":"op"}';
    });
    await journal(node, "done");
    await node.castellan(["stop", "HADES"]);
    await node.castellan(["restart", "hades", "web", "2"]);
    expect(asked).toEqual([
      'castellan.ips1.cmd.shutdown {"server":"hades"}',
      'castellan.ips1.cmd.restart {"server":"hades","type":"WEB","instance":2}',
    ]);
  });

  it("passes a refusal on, and says when nobody is there or it takes too long", async () => {
    const error = { code: "UNKNOWN_TYPE", message: "no type WBE; did you mean WEB?", retryable: false, details: {} };
    const refusing = await oneServer(() => JSON.stringify({ error }));
    expect(await refusing.castellan(["start", "hades", "WBE"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "castellan: no type WBE; did you mean WEB?\n  see what there is with `castellan status`\n",
    });
    expect(await (await oneServer()).castellan(["start"])).toMatchObject({ code: 3 });
    const slow = await oneServer(() => '{"operationId":"op"}');
    await journal(slow, "done");
    await slow.gateway.commit([update("operation", { id: "op" }, { state: "open" })]);
    const late = await slow.castellan(["start", "-T", "2"]);
    expect(late.code).toBe(4);
    expect(late.stderr).toContain("operation op has not ended within 2 s; it goes on");
  });
});

describe("castellan alerts --follow", () => {
  const alert = {
    kind: "disk",
    server: "hades",
    subject: "/",
    severity: "error",
    summary: "/ is\nfull",
    occurredAt: "2026-01-01T00:00:00.000Z",
    cause: "disk/hades///1",
    details: {},
  };
  const headers = {
    "ce-id": "e1",
    "ce-source": "/castellan/ips1/hades",
    "ce-type": "castellan.alert.raised",
    "ce-time": "2026-01-01T00:00:01.000Z",
  };

  async function follow(args: readonly string[]): Promise<{ code: number; stdout: string }> {
    const node = await oneServer(() => "{}");
    const io = fakeIo();
    const running = node.castellan(args, io);
    const deliver = (): void => {
      node.deliver(headers, alert);
      node.deliver({ ...headers, "ce-id": "e2", "ce-type": "castellan.alert.resolved" }, alert);
    };
    while (io.stdout() === "") {
      deliver();
      await new Promise((resolve) => setImmediate(resolve));
    }
    io.interrupt();
    return running;
  }

  it("prints a line for each", async () => {
    expect(await follow(["alerts", "--follow"])).toMatchObject({
      code: 0,
      stdout:
        "2026-01-01 00:00:01  error     hades  disk  / is full\n2026-01-01 00:00:01  resolved  hades  disk  / is full\n",
    });
  });

  it("prints structured CloudEvents, one a line", async () => {
    const { stdout } = await follow(["alerts", "--follow", "--json"]);
    const events: unknown[] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { specversion: "1.0", id: "e1", type: "castellan.alert.raised", data: { kind: "disk" } },
      { id: "e2", type: "castellan.alert.resolved" },
    ]);
  });
});
