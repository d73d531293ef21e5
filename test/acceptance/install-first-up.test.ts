/**
 * Servers that have joined are brought up for the first time at the same moment, one of them later: no `up` fails because others
 * are still to come, and everything runs in the end.
 */
import { writeFileSync } from "node:fs";
import { StatusReport } from "@castellan/protocol";
import {
  eventually,
  fakePrograms,
  freePort,
  killAll,
  type Postgres,
  postgres,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { commandsIn } from "../harness/commands-in.ts";

const TYPES = `
types:
  ONE: { command: ${JSON.stringify([process.execPath, fakePrograms.steady])} }
servers: { hades: { ONE: 1 }, zeus: { ONE: 1 }, hera: { ONE: 1 } }
`;

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

const { must } = commandsIn(() => temp);

it("the first up of several servers at the same moment makes one node of them, whoever comes late", async () => {
  const { url, password } = await server.database();
  writeFileSync(temp.path("password"), `${password}\n`, { mode: 0o600 });
  const placed = async (name: string): Promise<string[]> => {
    const bus = ["--listen", `127.0.0.1:${await freePort()}`, "--cluster", `127.0.0.1:${await freePort()}`];
    return ["--server", name, "--database", url, "--password-file", temp.path("password"), ...bus];
  };
  await must("hades", "init", ...(await placed("hades")));
  for (const name of ["zeus", "hera"]) {
    const trust = temp.path(`for-${name}`);
    await must("hades", "cert", "issue", name, "--address", "127.0.0.1", "--out", trust);
    await must(name, "join", ...(await placed(name)), "--trust", trust);
  }
  for (const name of ["hades", "zeus"]) writeFileSync(temp.path(`${name}/etc/types.yaml`), TYPES);

  // Which of them has the whole node started, and says who is not up yet, is decided by moments.
  await Promise.all(["hades", "zeus"].map((name) => must(name, "up", "--detach")));
  await must("hera", "up", "--detach");
  await eventually(
    async () => {
      const { servers } = StatusReport.parse(JSON.parse((await must("hera", "status", "--json")).stdout));
      const seen = servers.map(({ name, state, processes: [one] }) => `${name} ${state} ${one?.status}`);
      expect(seen).toEqual(["hades", "zeus", "hera"].map((name) => `${name} up RUNNING`));
    },
    { withinMs: 90_000, everyMs: 250, describe: "everything runs" },
  );
});
