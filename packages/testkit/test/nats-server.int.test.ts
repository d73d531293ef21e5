import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { connect, type NatsConnection } from "nats";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  assertNothingLeft,
  eventually,
  findProcesses,
  killAll,
  type NatsServer,
  natsServer,
  type TempHome,
  tempHome,
} from "../src/index.ts";

const cleanups: (() => Promise<unknown>)[] = [];
const outerTmp = process.env["TMPDIR"];
/** All temporary files of a test are made in here: it must be empty at the end. */
let tmp: TempHome;
beforeEach(async () => {
  tmp = await tempHome();
  process.env["TMPDIR"] = tmp.dir;
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  if (outerTmp === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = outerTmp;
  const files = await readdir(tmp.dir);
  await tmp.remove();
  expect(files).toEqual([]);
  await assertNothingLeft(tmp.dir);
});

async function server(options: Parameters<typeof natsServer>[0] = {}): Promise<NatsServer> {
  const started = await natsServer(options);
  cleanups.push(() => started.stop());
  return started;
}

async function client(url: string): Promise<NatsConnection> {
  const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20, timeout: 20_000 });
  cleanups.push(() => connection.close());
  return connection;
}

it("takes clients, and is gone with its files after stop", async () => {
  const nats = await server();
  const { pid, url } = nats;
  const connection = await client(url);
  expect(connection.info?.jetstream ?? false).toBe(false);
  await connection.flush();
  await connection.close();
  const files = dirname(nats.storeDir);
  expect(existsSync(files)).toBe(true);
  await nats.stop();
  await nats.stop();
  expect(existsSync(files)).toBe(false);
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});

it("keeps port and JetStream store over kill -9 and restart", async () => {
  const nats = await server({ jetstream: true });
  const { url, pid } = nats;
  const connection = await client(url);
  const ask = async (
    verb: string,
    body: object,
    timeout = 20_000,
  ): Promise<{ state?: { messages: number }; error?: unknown }> =>
    (await connection.request(`$JS.API.STREAM.${verb}.KEPT`, JSON.stringify(body), { timeout })).json();
  expect((await ask("CREATE", { name: "KEPT", subjects: ["kept.>"] })).error).toBeUndefined();
  await connection.request("kept.a", "one", { timeout: 20_000 });

  await nats.kill9();
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  await nats.restart();

  expect(nats.url).toBe(url);
  expect(nats.pid).not.toBe(pid);
  const info = await eventually(() => ask("INFO", {}, 1000), { describe: "the client is back" });
  expect(info.state?.messages).toBe(1);
  const varz: unknown = await (await fetch(`${nats.monitorUrl}/jsz`)).json();
  expect(varz).toMatchObject({ config: { sync_always: true } });
});

it("answers nobody while frozen", async () => {
  const nats = await server();
  const connection = await client(nats.url);
  await nats.freeze();
  const flushed = connection.flush().then(() => "flushed");
  const waited = new Promise<string>((resolve) => {
    setTimeout(() => resolve("waiting"), 200);
  });
  expect(await Promise.race([flushed, waited])).toBe("waiting");
  nats.thaw();
  expect(await flushed).toBe("flushed");
  await nats.freeze(); // and a frozen one is stopped like any other
});

it("leaves a store directory alone that the test brought", async () => {
  const home = await tempHome();
  cleanups.push(() => home.remove());
  const nats = await server({ jetstream: true, storeDir: home.path("js") });
  await nats.stop();
  expect(await readdir(home.path("js"))).toContain("jetstream");
});

it("says what the server said when it does not start, and leaves nothing", async () => {
  await expect(natsServer({ config: "no_such_option: 1" })).rejects.toThrow(/no_such_option/);
  const nats = await server({ config: "max_payload: 2048" });
  await expect(natsServer({ port: nats.port })).rejects.toThrow(/address already in use/);
  expect((await client(nats.url)).info?.max_payload).toBe(2048);
});

it("dies with the process that started it", async () => {
  const script = `import { natsServer } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
    const { storeDir } = await natsServer({ jetstream: true });
    process.stdout.write("up " + storeDir + "\\n"); setInterval(() => {}, 60000);`;
  const parent = spawn(
    process.execPath,
    ["--conditions=@castellan/source", "--import", "tsx", "--input-type=module", "-e", script],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  cleanups.push(() => killAll(tmp.dir));
  let said = "";
  parent.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [, storeDir] = await eventually(() => /up (.+)\n/.exec(said), {
    withinMs: 90_000,
    describe: "its server is up",
  });
  const files = dirname(storeDir ?? "");
  // What a killed parent cannot clear away: its server's files and the cache of tsx.
  cleanups.push(() => rm(tmp.dir, { recursive: true }).then(() => mkdir(tmp.dir)));
  expect(findProcesses(files)).toHaveLength(1);
  parent.kill("SIGKILL");
  await assertNothingLeft(files);
});
