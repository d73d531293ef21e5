/** A node of one server becomes a cluster by one `join`, and one server again by `leave`; its processes never notice. */
import { appendFileSync, writeFileSync } from "node:fs";
import { StatusReport } from "@castellan/protocol";
import {
  eventually,
  findProcesses,
  freePort,
  killAll,
  type Postgres,
  postgres,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { trustPaths } from "@castellan/trust";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commandsIn } from "../harness/commands-in.ts";
import { lives, said } from "../harness/node.ts";
import { storedEvents } from "../harness/stored-events.ts";
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

const status = async (home: string) => StatusReport.parse(JSON.parse((await must(home, "status", "--json")).stdout));

const untilUp = (home: string, names: readonly string[]) =>
  eventually(
    async () => {
      const { servers } = await status(home);
      expect(servers.filter(({ state }) => state === "up").map(({ name }) => name)).toEqual(names);
    },
    { withinMs: 60_000, everyMs: 250, describe: `${names.join(", ")} are up` },
  );

describe("one server, a cluster, one server", () => {
  it("goes there and back without a restart, keeps its events, and refuses the wrong order", async () => {
    const { url, password } = await server.database();
    writeFileSync(temp.path("password"), `${password}\n`, { mode: 0o600 });
    const db = ["--database", url, "--password-file", temp.path("password")];
    const ports = { client: await freePort(), cluster: await freePort() };
    const listen = `127.0.0.1:${ports.client}`;
    const meeting = ["--listen", listen, "--cluster", `127.0.0.1:${ports.cluster}`];
    const made = await must("hades", "init", "--server", "hades", ...db, ...meeting);
    expect(made.stdout).toMatch(/made the node's authority in .*etc\/trust/);
    writeFileSync(temp.path("hades/etc/types.yaml"), ONE);
    await must("hades", "up", "--detach");
    const [process] = (await status("hades")).servers.flatMap(({ processes }) => processes);
    const pid = process?.pid ?? 0;
    expect(lives(pid)).toBe(true);
    const { directory, ca, identity } = trustPaths(temp.path("me"));
    await must("hades", "cert", "issue", "me", "--client", "--out", directory);
    const tls = { ca, cert: identity, key: identity, name: "castellan.castellan" };
    const bus = { url: `nats://${listen}`, credentials: null, tls };
    appendFileSync(temp.path("hades/logs/sw_error"), "it broke\n");
    const before = await eventually(
      async () => {
        const ids = (await storedEvents(bus)).map(({ id }) => id);
        return ids.length > 0 ? ids : null;
      },
      { withinMs: 60_000, everyMs: 250, describe: "an event is stored" },
    );

    const own = ["--listen", `127.0.0.1:${await freePort()}`, "--cluster", `127.0.0.1:${await freePort()}`];
    const bare = await castellan("zeus", "join", "--server", "zeus", ...db, ...own);
    expect([bare.code, said(bare)]).toEqual([
      1,
      expect.stringMatching(/authority .* none here.*castellan join --trust/),
    ]);
    await must("hades", "cert", "issue", "zeus", "--address", "127.0.0.1", "--out", temp.path("for-zeus"));
    await must("zeus", "join", "--server", "zeus", ...db, ...own, "--trust", temp.path("for-zeus"));
    await must("zeus", "up", "--detach");
    await untilUp("hades", ["hades", "zeus"]);

    const double = await castellan(
      "other",
      "join",
      "--server",
      "zeus",
      ...db,
      ...own,
      "--trust",
      temp.path("for-zeus"),
    );
    expect([double.code, said(double)]).toEqual([1, expect.stringMatching(/a server zeus runs .* already.*--server/)]);
    const leave = await castellan("hades", "leave");
    expect(said(leave)).toMatch(/hades is master: slaves leave/);
    const master = await castellan("hades", "uninstall", "--yes");
    expect(said(master)).toMatch(/hades is master and goes after the slaves.*zeus/);
    const schema = await castellan("zeus", "uninstall", "--schema", "--yes");
    expect(said(schema)).toMatch(/the schema goes last: hades is still of this node/);
    expect([leave.code, master.code, schema.code]).toEqual([1, 1, 1]);

    await must("zeus", "leave");
    expect(findProcesses(temp.path("zeus"))).toEqual([]);
    await untilUp("hades", ["hades"]);
    const up = await castellan("zeus", "up", "--detach");
    expect(up.code, said(up)).toBe(5);
    const late = await castellan("zeus", "uninstall", "--schema", "--yes");
    expect([late.code, said(late)]).toEqual([1, expect.stringContaining("the schema goes last: hades")]);
    const after = await storedEvents(bus);
    expect(after.map(({ id }) => id)).toEqual(expect.arrayContaining(before));
    const [same] = (await status("hades")).servers.flatMap(({ processes }) => processes);
    expect(same).toMatchObject({ pid, status: "RUNNING", restarts: 0 });

    await must("hades", "uninstall", "--schema", "--yes");
    expect(lives(pid)).toBe(false);
    expect(findProcesses(temp.dir)).toEqual([]);
  });
});
