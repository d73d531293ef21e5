/**
 * A real nats-server for one test, on loopback. It dies with the test's process.
 *
 * Invariants: the port is no other test's, also while the server is away, and kept over restarts, so clients reconnect; the
 * JetStream store survives `restart` and `kill9` and is removed by `stop` (unless the test brought its own directory).
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CastellanError } from "@castellan/kernel";
import { Daemon } from "./daemon.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { repositoryRoot } from "./repository.ts";
import { tempHome } from "./temp-home.ts";

export interface NatsServerOptions {
  /** Default false. Every write is synced to disk (`sync_interval: always`). */
  readonly jetstream?: boolean;
  /** Default: a free one. */
  readonly port?: number;
  /** Where JetStream stores; a directory given here is not removed. Default: a temporary one. */
  readonly storeDir?: string;
  /** More lines of server configuration. */
  readonly config?: string;
}

export interface NatsServer {
  /** `nats://127.0.0.1:PORT`, the same over restarts. */
  readonly url: string;
  readonly port: number;
  /** The HTTP monitor of the running server (`/varz`, `/jsz`, ...); changes at a restart. */
  readonly monitorUrl: string;
  /** Of the server started last. */
  readonly pid: number;
  readonly storeDir: string;
  /** Ends it and removes its files. Twice is fine. */
  stop(): Promise<void>;
  /** SIGKILL; back again with `restart`. */
  kill9(): Promise<void>;
  /** Ends it if it runs (SIGTERM) and starts it on the same port and store. */
  restart(): Promise<void>;
  /** SIGSTOP: connected, but from the moment this resolves it answers nobody. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): void;
  /** The end of its log. */
  output(): string;
}

const READY_WITHIN_MS = 60_000;
/** Fetching the binary the first time may take a while. */
const BINARY_WITHIN_MS = 300_000;

let binary: Promise<string> | undefined;

/** The binary the project uses, as `scripts/nats-server.sh` finds or fetches it; looked for once a process. */
export function natsServerBinary(): Promise<string> {
  binary ??= promisify(execFile)("bash", [join(repositoryRoot, "scripts/nats-server.sh")], {
    timeout: BINARY_WITHIN_MS,
  }).then(({ stdout }) => stdout.trim());
  return binary;
}

export async function natsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const program = await natsServerBinary();
  const home = await tempHome("castellan-nats-");
  const storeDir = options.storeDir ?? home.path("store");
  const portsDir = home.path("ports");
  const logFile = home.path("nats-server.log");
  const configFile = home.path("nats-server.conf");
  let port = options.port ?? (await freePort());
  let monitorUrl = "";
  let daemon: Daemon;

  const start = async (): Promise<void> => {
    await rm(portsDir, { recursive: true, force: true });
    await mkdir(portsDir);
    await writeFile(configFile, renderConfig({ ...options, port, portsDir, storeDir }));
    const started = new Daemon({ command: [program, "--config", configFile], cwd: home.dir, logFile });
    daemon = started;
    try {
      const ports = await readPorts(portsDir, started);
      port = Number(new URL(ports.nats).port);
      monitorUrl = ports.monitoring;
      if (options.jetstream) await untilHealthy(monitorUrl, started);
    } catch (thrown) {
      await started.end("SIGKILL");
      throw thrown;
    }
  };
  const stop = async (): Promise<void> => {
    await daemon.end("SIGTERM");
    await home.remove();
  };

  try {
    await start();
  } catch (thrown) {
    await home.remove();
    throw thrown;
  }
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get monitorUrl() {
      return monitorUrl;
    },
    get pid() {
      return daemon.pid;
    },
    storeDir,
    stop,
    kill9: () => daemon.end("SIGKILL"),
    restart: async () => {
      await daemon.end("SIGTERM");
      await start();
    },
    freeze: () => daemon.freeze(),
    thaw: () => daemon.signal("SIGCONT"),
    output: () => daemon.output(),
  };
}

function renderConfig(options: NatsServerOptions & { port: number; portsDir: string; storeDir: string }): string {
  const lines = [
    `listen: "127.0.0.1:${options.port}"`,
    `http: "127.0.0.1:-1"`,
    `ports_file_dir: "${options.portsDir}"`,
  ];
  if (options.jetstream) lines.push(`jetstream { store_dir: "${options.storeDir}", sync_interval: always }`);
  if (options.config !== undefined) lines.push(options.config);
  return `${lines.join("\n")}\n`;
}

/** The server writes where it listens to `NAME_PID.ports` once it does. */
async function readPorts(dir: string, daemon: Daemon): Promise<{ nats: string; monitoring: string }> {
  const text = await poll("nats-server lists its ports", daemon, async () => {
    const file = (await readdir(dir)).find((name) => name.endsWith(`_${daemon.pid}.ports`));
    const content = file === undefined ? "" : await readFile(join(dir, file), "utf8");
    return content.trimEnd().endsWith("}") ? content : null;
  });
  return { nats: firstUrl(text, "nats"), monitoring: firstUrl(text, "monitoring") };
}

function firstUrl(ports: string, key: "nats" | "monitoring"): string {
  const urls: unknown = Object.entries(JSON.parse(ports)).find(([name]) => name === key)?.[1];
  const first: unknown = Array.isArray(urls) ? urls[0] : undefined;
  if (typeof first === "string") return first;
  throw new CastellanError("NATS_PORTS_UNREADABLE", `no ${key} address in the ports file: ${ports}`);
}

async function untilHealthy(monitorUrl: string, daemon: Daemon): Promise<void> {
  await poll("nats-server is healthy", daemon, async () => {
    const answer = await fetch(`${monitorUrl}/healthz`, { signal: AbortSignal.timeout(2000) });
    await answer.arrayBuffer();
    return answer.ok ? answer.status : null;
  });
}

/** Looks again until the probe holds; gives up at once, with the server's own words, when the server has ended. */
async function poll<T>(describe: string, daemon: Daemon, probe: () => Promise<T | null>): Promise<T> {
  const found = await eventually(
    async () => {
      if (!daemon.alive) return { value: null };
      const value = await probe();
      return value === null ? null : { value };
    },
    { withinMs: READY_WITHIN_MS, everyMs: 5, describe },
  );
  if (found.value !== null) return found.value;
  throw daemon.obituary("nats-server");
}
