/** The example's programs are real: they are run here as a sentinel would run them, on ports of our own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { checkSpec, diffSpec, type SpecView } from "@castellan/admin";
import { loadConfigFile } from "@castellan/kernel/config";
import { encodeBody, NodeSpec, toHeaders } from "@castellan/protocol";
import { eventually, freePort, natsServer, repositoryRoot, type TempHome, tempHome } from "@castellan/testkit";
import { connect, headers } from "nats";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const example = `${repositoryRoot}/deploy/examples/01-single-server`;

let home: TempHome;
let children: ChildProcess[] = [];
beforeEach(async () => {
  home = await tempHome();
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  await home.remove();
});

interface Running {
  readonly child: ChildProcess;
  output(): string;
}

function run(program: string, env: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, [`${example}/programs/${program}.mjs`], {
    cwd: home.dir,
    env: { ...env, CASTELLAN_HOME: home.dir, CASTELLAN_TYPE: program.toUpperCase(), CASTELLAN_INSTANCE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
  return { child, output: () => output };
}

async function stopped({ child }: Running, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
  return child.exitCode;
}

describe("deploy/examples/01-single-server", () => {
  it("is a spec that a fresh node of one server takes", () => {
    const spec = loadConfigFile(`${example}/types.yaml`, NodeSpec);
    const fresh: SpecView = {
      masterId: null,
      servers: [{ id: 1, name: "box" }],
      types: new Map(),
      instances: [],
      queues: new Map(),
    };
    const difference = diffSpec(fresh, spec);
    expect(checkSpec(fresh, spec, difference)).toEqual([]);
    expect(difference.types.length).toBeGreaterThanOrEqual(4);
    expect(difference.instances.length).toBeGreaterThanOrEqual(6);
  });

  it("runs: jobs are made, done and reported, pages are counted", async () => {
    const [store, web] = [String(await freePort()), String(await freePort())];
    const env = {
      STORE_PORT: store,
      WEB_PORT: web,
      CLOCK_SECONDS: "0.02",
      STORE_FILE: "var/s.json",
      MAIL_DIRECTORY: "mail",
    };
    const programs = ["store", "web", "queue", "clock", "mailer"].map((name) => run(name, env));
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${web}${path}`);
      return `${response.status} ${await response.text()}`;
    };
    await eventually(async () => (await get("/health")).startsWith("200"), { withinMs: 30_000 });
    expect(await get("/")).toContain("visitor 1.");
    expect(await get("/")).toContain("visitor 2.");
    expect(await get(`/health?home=${home.dir}`)).toBe("200 ok\n");
    expect(await get("/health?home=/elsewhere")).toMatch(/^409/);
    expect(await get("/nothing")).toMatch(/^404/);
    await eventually(async () => (await readdir(home.path("mail"))).length > 0, { withinMs: 30_000 });
    for (const program of programs.reverse()) {
      expect(await stopped(program, "SIGTERM"), program.output()).toBe(0);
      expect(program.output()).toContain("stopping");
    }
    expect(JSON.parse(await readFile(home.path("var/s.json"), "utf8"))).toMatchObject({ visits: "2" });
  });

  it("lives through the death of its store", async () => {
    const env = { STORE_PORT: String(await freePort()), WEB_PORT: String(await freePort()) };
    const health = async () => (await fetch(`http://127.0.0.1:${env.WEB_PORT}/health`)).status;
    const store = run("store", env);
    const web = run("web", env);
    await eventually(async () => (await health()) === 200, { withinMs: 30_000 });
    await stopped(store, "SIGKILL");
    await eventually(async () => (await health()) === 503);
    run("store", env);
    await eventually(async () => (await health()) === 200, { withinMs: 30_000 });
    expect(web.child.exitCode).toBeNull();
  });

  it("says which port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = String(typeof address === "object" ? address?.port : 0);
    for (const [name, variable] of [
      ["store", "STORE_PORT"],
      ["web", "WEB_PORT"],
    ] as const) {
      const program = run(name, { [variable]: port });
      await once(program.child, "close");
      expect(program.child.exitCode).toBe(1);
      expect(program.output()).toBe(`port ${port} is in use by another program\n`);
    }
    taken.close();
  });
});

describe("deploy/examples/03-alert-subscriber", () => {
  it("prints an alert that is published", async () => {
    const server = await natsServer();
    const client = await connect({ servers: server.url });
    try {
      const program = `${repositoryRoot}/deploy/examples/03-alert-subscriber/subscriber.mjs`;
      const child = spawn(process.execPath, [program, server.url], { stdio: ["ignore", "pipe", "inherit"] });
      children.push(child);
      let output = "";
      child.stdout.on("data", (text) => (output += String(text)));
      const set = headers();
      const event = {
        id: "e1",
        source: "/castellan/ips1/hades",
        type: "castellan.alert.raised",
        time: "2026-01-01T00:00:00.000Z",
      };
      for (const [name, value] of Object.entries(toHeaders({ ...event, data: null }))) set.set(name, value);
      const body = encodeBody({ severity: "error", server: "hades", kind: "disk", summary: "/ is full" });
      await eventually(
        () => {
          client.publish("castellan.ips1.evt.alert.error.hades.disk", body, { headers: set });
          return output.includes("2026-01-01T00:00:00.000Z castellan.alert.raised error hades disk / is full\n");
        },
        { withinMs: 30_000 },
      );
    } finally {
      await client.close();
      await server.stop();
    }
  });
});
