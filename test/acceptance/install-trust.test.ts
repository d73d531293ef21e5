/** Servers that come to show certificates, and servers that are turned away for theirs: nothing of a home is changed by a refusal. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { StatusReport } from "@castellan/protocol";
import { eventually, freePort, killAll, type Postgres, postgres, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commandsIn } from "../harness/commands-in.ts";
import { lives, said } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let server: Postgres;
let temp: TempHome;
beforeEach(async () => {
  server = await postgres();
  temp = await tempHome("castellan-install-");
});
afterEach(async () => {
  await killAll(temp.dir);
  await temp.remove();
  await server.stop();
});

const { castellan, must } = commandsIn(() => temp);

async function refused(words: RegExp, code: number, home: string, ...args: string[]): Promise<void> {
  const result = await castellan(home, ...args);
  expect(said(result)).toMatch(words);
  expect(result.code, said(result)).toBe(code);
}

const loopback = async (): Promise<string> => `127.0.0.1:${await freePort()}`;

/** Replaces the line of castellan.yaml that says where the bus is, or adds one. */
function writeNats(home: string, nats: unknown): void {
  const file = temp.path(home, "castellan.yaml");
  const others = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => !line.startsWith("nats:"));
  writeFileSync(file, [`nats: ${JSON.stringify(nats)}`, ...others].join("\n"));
}

const status = async (home: string) => StatusReport.parse(JSON.parse((await must(home, "status", "--json")).stdout));
const firstProcess = async (home: string) => (await status(home)).servers.flatMap(({ processes }) => processes)[0];
const workerOf = (home: string): string => readFileSync(temp.path(home, "run/worker.json"), "utf8");

const TLS = { ca: "etc/trust/ca.pem", cert: "etc/trust/server.pem", key: "etc/trust/server.pem" };

/** A node of one server whose bus is on loopback, with one process. `db`: its schema, as the options of `join` name it. */
async function hadesUp(): Promise<{ readonly db: readonly string[]; readonly pid: number }> {
  const { url, password } = await server.database();
  writeFileSync(temp.path("password"), `${password}\n`, { mode: 0o600 });
  const db = ["--database", url, "--password-file", temp.path("password")];
  await must("hades", "init", "--server", "hades", ...db);
  writeFileSync(temp.path("hades/etc/types.yaml"), ONE);
  await must("hades", "up", "--detach");
  const pid = (await firstProcess("hades"))?.pid ?? 0;
  expect(lives(pid)).toBe(true);
  return { db, pid };
}

describe("a bus that changes in place", () => {
  it("comes from loopback to certificates at once, literally as the refusal says, and its processes go on", async () => {
    const { db, pid } = await hadesUp();
    const zeus = ["join", "--server", "zeus", ...db, "--listen", await loopback(), "--cluster", await loopback()];
    const advice = said(await castellan("zeus", ...zeus));
    expect(advice).toContain("`castellan cert init --address hades`");
    const line = /nats: \{.*tls: .*\}$/m.exec(advice)?.[0] ?? "";
    expect(line, advice).toContain("hades:4222");

    await must("hades", "cert", "init", "--address", "127.0.0.1");
    const own = line.replace("hades:4222", await loopback()).replace("hades:6222", await loopback());
    appendFileSync(temp.path("hades/castellan.yaml"), `\n${own}\n`);
    await must("hades", "reload");
    expect(await firstProcess("hades")).toMatchObject({ pid, status: "RUNNING", restarts: 0 });
    expect(lives(pid)).toBe(true);
    await must("hades", "cert", "issue", "zeus", "--address", "127.0.0.1", "--out", temp.path("for-zeus"));
    await refused(/authority of the certificates is none here/, 1, "zeus", ...zeus);
    await must("zeus", ...zeus, "--trust", temp.path("for-zeus"));
  });

  it("takes another address, and certificates once the whole node does; who shows others is turned away by name", async () => {
    const { db, pid } = await hadesUp();

    // Its bus comes out of loopback while its process runs.
    const zeus = { listen: await loopback(), cluster: { listen: await loopback(), routes: [] } };
    const joining = ["join", "--server", "zeus", ...db, "--listen", zeus.listen, "--cluster", zeus.cluster.listen];
    await refused(/bus of hades is its own[\s\S]*castellan reload/, 1, "zeus", ...joining);
    const nats = { listen: await loopback(), cluster: { listen: await loopback(), routes: [] } };
    writeNats("hades", nats);
    await must("hades", "reload");
    expect(await firstProcess("hades")).toMatchObject({ pid, status: "RUNNING", restarts: 0 });
    await must("zeus", ...joining);

    // One of two cannot go over to certificates by itself: it is told so, and goes on as it is.
    await must("hades", "cert", "init", "--address", "127.0.0.1");
    writeNats("hades", { ...nats, tls: TLS });
    const worker = workerOf("hades");
    await refused(/how servers show who they are on the bus is cert here, none as recorded/, 1, "hades", "reload");
    expect(workerOf("hades")).toBe(worker);
    await refused(/nothing is recorded while the sentinel of hades may/, 1, "hades", "cert", "record");
    writeNats("hades", nats);
    await must("hades", "down");

    // All of them can, while the node is down.
    writeNats("hades", { ...nats, tls: TLS });
    expect((await must("hades", "cert", "record")).stdout).toMatch(/accounts: none -> cert/);
    await must("hades", "up", "--detach");
    await refused(/is none here, cert as recorded/, 1, "zeus", "up", "--detach");
    await must("hades", "cert", "issue", "zeus", "--address", "127.0.0.1", "--out", temp.path("for-zeus"));
    await must("zeus", "cert", "install", temp.path("for-zeus"));
    const route = `nats://${nats.cluster.listen}`;
    writeNats("zeus", { ...zeus, cluster: { ...zeus.cluster, routes: [route] }, tls: TLS });
    await must("zeus", "up", "--detach");
    await eventually(
      async () => expect((await status("zeus")).servers).toMatchObject([{ state: "up" }, { state: "up" }]),
      { withinMs: 60_000, everyMs: 250, describe: "both servers are up, with certificates" },
    );

    // Who comes now must show one of the same authority.
    const hera = ["join", "--server", "hera", ...db, "--listen", await loopback(), "--cluster", await loopback()];
    await refused(/is none here, cert as recorded/, 1, "hera", ...hera);
    await must("other", "init", "--files-only", "--server", "hera", "--listen", await loopback());
    await must("other", "cert", "init", "--address", "127.0.0.1");
    const foreign = temp.path("other/etc/trust");
    await refused(
      /authority of the certificates is [0-9a-f]{64} here, [0-9a-f]{64} as recorded/,
      1,
      "hera",
      ...hera,
      "--trust",
      foreign,
    );
    await refused(/is for zeus\.castellan.*, not for hera/, 1, "hera", ...hera, "--trust", temp.path("for-zeus"));
    await refused(/say with --trust where that is, --listen/, 1, "hera", "init", "--trust", foreign);
    expect([existsSync(temp.path("hera/etc/trust")), existsSync(temp.path("hera/castellan.yaml"))]).toEqual([
      false,
      false,
    ]);
    expect((await status("hades")).servers.map(({ name }) => name)).toEqual(["hades", "zeus"]);
    await must("hades", "cert", "issue", "hera", "--address", "127.0.0.1", "--out", temp.path("for-hera"));
    const joined = await must("hera", ...hera, "--trust", temp.path("for-hera"));
    expect(joined.stdout).toContain("hera (#3) is a member of node castellan now, with hades, zeus");
  }, 600_000);
});
