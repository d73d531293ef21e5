/** `swstart` and `swstop`: the processes of the node, and this server's sentinels. */
import { readFileSync } from "node:fs";
import { createSubjects, ShutdownNotice } from "@castellan/protocol";
import { eventually, startCli } from "@castellan/testkit";
import { connect } from "nats";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { sw, swPath } from "../harness/sw.ts";
import { LAYERS } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

const state = async () => (await node.status()).state;

describe("swstart and swstop", () => {
  it("stop and start the node, its sentinels only while nothing runs, and PM_AUTO_BOOT says what these do", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    const busy = await sw(node, "swstop", "-p");
    expect(busy.code, said(busy)).toBe(1);
    expect(busy.stderr).toMatch(/stop them first/);

    const stop = await sw(node, "swstop");
    expect(stop.code, said(stop)).toBe(0);
    const lines = stop.stdout.trimEnd().split("\n");
    expect(lines[0]).toBe("Attempting to stop 4 processes");
    expect(lines[1]?.split(/ {2,}/)).toEqual(["Machine ID", "Proc Name", "Proc Inst", "Status", "Comment"]);
    expect(lines[2]).toMatch(/^1 +TOP +1 +SHUTTING DOWN +Normal Shutdown$/);
    expect(lines.at(-1)).toBe("Process(es) successfully stopped");
    expect(await state()).toBe("STOPPED");

    expect((await sw(node, "swadm", "set_attribute", "0", "PROCMGR", "0", "PM_AUTO_BOOT", "0")).code).toBe(0);
    const ended = await sw(node, "swstop", "-p");
    expect(ended, said(ended)).toMatchObject({ code: 0, stdout: expect.stringMatching(/have been stopped\n$/) });
    expect(node.part("worker")).not.toBeNull();
    expect((await sw(node, "swstart", "-T", "2")).code).toBe(3);

    const begun = await sw(node, "swstart", "-p");
    expect(begun, said(begun)).toMatchObject({ code: 0, stdout: expect.stringMatching(/have been started\n$/) });
    expect((await sw(node, "swstart", "-p")).stdout).toMatch(/are running already\n$/);
    expect(await state()).toBe("STOPPED");
    const start = await sw(node, "swstart");
    expect(start.code, said(start)).toBe(0);
    expect(start.stdout).toMatch(/^BASE 1 STARTED\n[^]*TOP 1 STARTED\nProcess\(es\) successfully started\n$/);

    await sw(node, "swadm", "delete_attribute", "0", "PROCMGR", "0", "PM_AUTO_BOOT");
    expect((await sw(node, "swstop")).code).toBe(0);
    expect((await sw(node, "swstop", "-p")).code).toBe(0);
    expect((await sw(node, "swstart", "-p")).stdout).toMatch(/PM_AUTO_BOOT is 1: they start the processes\n$/);
    await node.awaitRunning();
  });

  it("by force: after a notice that is published, outlives its master, and can only be shortened", async () => {
    node = await makeNode({ types: LAYERS, config: "node: ips1\n" });
    expect((await node.up()).code).toBe(0);
    const { natsUrl } = z
      .object({ natsUrl: z.string() })
      .parse(JSON.parse(readFileSync(node.path("run/endpoints.json"), "utf8")));
    const bus = await connect({ servers: natsUrl });
    const heard: ShutdownNotice[] = [];
    bus.subscribe(createSubjects("ips1").build({ kind: "node", what: "shutdown-notice" }), {
      callback: (_error, message) => void heard.push(ShutdownNotice.parse(message.json())),
    });
    await bus.flush();

    const first = startCli(["-f", "600", "--as", "ann"], { home: node.home, program: swPath("swstop") });
    await eventually(() => heard.length === 1, { withinMs: 90_000, describe: "a notice" });
    // The command and the master tell it each by themselves; a commit may take a while of it.
    const told = /^The system will be stopped in (600|59\d) seconds \(nobody is signed in\)\n/;
    await eventually(() => expect(first.stdout()).toMatch(told), { withinMs: 90_000, describe: "the command says so" });
    expect(heard[0]).toMatchObject({ by: "ann" });

    const worker = node.part("worker") ?? Number.NaN;
    process.kill(worker, "SIGKILL");
    await eventually(() => ![null, worker].includes(node.part("worker")), {
      withinMs: 90_000,
      describe: "a new worker",
    });
    expect(await state()).toBe("RUNNING");

    const longer = startCli(["-f", "900"], { home: node.home, program: swPath("swstop") });
    await eventually(() => longer.stdout().includes("can only be shortened"), { withinMs: 90_000 });
    expect(longer.stdout()).toMatch(/^Ignored: the system will be stopped in (600|[1-5]\d\d) seconds already, by ann/);

    const shorter = await sw(node, "swstop", "-f", "1");
    expect(shorter.code, said(shorter)).toBe(0);
    expect(shorter.stdout).toMatch(/Attempting to stop 4 processes\n[^]*Process\(es\) successfully stopped\n$/);
    expect(await state()).toBe("STOPPED");
    expect((await first.ended).code).toBe(0);
    expect((await longer.ended).code).toBe(0);
    await bus.close();
  });
});
