/**
 * A throw-away PostgreSQL from the binaries of the Debian package. It refuses to run as root, so as root it runs as the
 * package's user. Nothing is synced to disk (`fsync=off`): what was committed survives `kill9`, for the pages are the
 * kernel's by then; only a power cut, which no test makes, would lose it. A test is several times as fast for it.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CastellanError } from "@castellan/kernel";
import { Daemon } from "./daemon.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { childrenOf, signalAll, stateOf } from "./processes.ts";
import { tempHome } from "./temp-home.ts";

export interface PostgresOptions {
  /** More settings of the server, as in `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where it runs and listens: a network namespace and an address in it. Default: here, on the loopback address. */
  readonly host?: { readonly address: string; readonly through: readonly string[] };
  /** It begins as a copy of that one, follows it, and takes no writes until it is promoted. */
  readonly standbyOf?: PostgresPlace;
  /** An empty directory for its write-ahead log. Default: with the data. */
  readonly logDir?: string;
}

export interface Postgres extends PostgresPlace, PostgresAdmin {
  /** `postgres://castellan@ADDRESS:PORT/postgres`. The user is a superuser, the only one who is asked for no password. */
  readonly url: string;
  readonly pid: number;
  /** Ends it and removes its files. Twice is fine. */
  stop(): Promise<void>;
  /** SIGKILL of all its processes; back again with `restart`. */
  kill9(): Promise<void>;
  restart(): Promise<void>;
  /** SIGSTOP of all its processes: from the moment this resolves it answers nobody, and refuses nobody either. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): void;
}

/** Where a server of this host listens; can be handed to another process. */
export interface PostgresPlace {
  readonly port: number;
  /** Directory of the unix socket, usable as host name. */
  readonly socketDir: string;
  /** Default 127.0.0.1. */
  readonly address?: string;
}

/** What its superuser can do on a running server. */
export interface PostgresAdmin {
  /** Runs statements; gives what they answer, a line a row, columns separated by `|`. */
  sql(statements: string, database?: string): Promise<string>;
  /** A new, empty database, owned by a new user of the same name with no rights beyond it. */
  database(): Promise<PostgresDatabase>;
}

/** A database as an operator is told to make one. */
export interface PostgresDatabase {
  readonly name: string;
  /** Holds the user and no password; a password is asked for. */
  readonly url: string;
  readonly password: string;
  /** Ends whoever is connected, and removes database and user. */
  readonly drop: () => Promise<void>;
}

const VERSIONS_DIR = "/usr/lib/postgresql";
const SUPERUSER = "castellan";
const LOOPBACK = "127.0.0.1";
const WHO_MAY_COME = `local all,replication all trust
host all ${SUPERUSER} ${LOOPBACK}/32 trust
host all all all scram-sha-256
`;
const READY_WITHIN_MS = 60_000;
/** What makes a new server's files. */
const NEW = ["initdb", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"] as const;
const run = promisify(execFile);

/** The directory of the newest installed PostgreSQL's programs; undefined when Debian's `postgresql` is not installed. */
export function postgresBinaries(): string | undefined {
  if (!existsSync(VERSIONS_DIR)) return undefined;
  const versions = readdirSync(VERSIONS_DIR).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(VERSIONS_DIR, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

/** Throws `POSTGRES_MISSING` when it is not installed: ask `postgresBinaries` first to skip with a reason. */
export async function postgres(options: PostgresOptions = {}): Promise<Postgres> {
  const { address = LOOPBACK, through } = options.host ?? {};
  const bin = postgresBinaries();
  if (bin === undefined) throw new CastellanError("POSTGRES_MISSING", `no PostgreSQL below ${VERSIONS_DIR}`);
  const user = await unprivilegedUser();
  const home = await tempHome("castellan-pg-");
  const data = home.path("data");
  const socketDir = home.path("socket");
  const logFile = home.path("postgres.log");
  let daemon: Daemon | undefined;

  const start = async (port: number): Promise<void> => {
    const started = new Daemon({
      command: [
        join(bin, "postgres"),
        "-D",
        data,
        `--unix_socket_directories=${socketDir}`,
        `--listen_addresses=${address}`,
        `--port=${port}`,
        "--fsync=off",
        "--full_page_writes=off",
        ...Object.entries(options.settings ?? {}).map(([name, value]) => `--${name}=${value}`),
      ],
      ...(through && { through }),
      cwd: home.dir,
      logFile,
      // On SIGQUIT it ends its own children and frees its shared memory; SIGKILL would leave that behind.
      deathSignal: "QUIT",
      ...(user === undefined ? {} : { user }),
    });
    daemon = started;
    await untilReady(data, started);
  };
  const tree = (): number[] => (daemon?.alive ? [daemon.pid, ...childrenOf(daemon.pid)] : []);
  const thaw = (): void => signalAll(tree().reverse(), "SIGCONT");
  const stop = async (): Promise<void> => {
    thaw();
    await daemon?.end("SIGINT", 10_000);
    await home.remove();
  };

  try {
    await mkdir(socketDir);
    const owned = [home.dir, socketDir, ...(options.logDir === undefined ? [] : [options.logDir])];
    if (user !== undefined) for (const dir of owned) await chown(dir, user.uid, user.gid);
    const [program, ...args] = options.standbyOf === undefined ? NEW : copyOf(options.standbyOf);
    const log = options.logDir === undefined ? [] : [`--waldir=${options.logDir}`];
    await run(join(bin, program), ["-D", data, "-U", SUPERUSER, "--no-sync", ...args, ...log], {
      cwd: home.dir,
      timeout: READY_WITHIN_MS,
      ...user,
    });
    await writeFile(join(data, "pg_hba.conf"), WHO_MAY_COME);
    const port = await freePort();
    await start(port);
    return {
      url: `postgres://castellan@${address}:${port}/postgres`,
      port,
      socketDir,
      address,
      get pid() {
        return daemon?.pid ?? 0;
      },
      stop,
      kill9: async () => {
        const all = tree();
        signalAll(all, "SIGKILL");
        await daemon?.end("SIGKILL");
        await eventually(() => !all.some((pid) => stateOf(pid) !== null), {
          describe: "its processes are gone",
        });
      },
      restart: async () => {
        await daemon?.end("SIGINT", 10_000);
        await start(port);
      },
      freeze: async () => {
        // The main process first: it makes no more of them then.
        await daemon?.freeze();
        const children = tree().slice(1);
        signalAll(children, "SIGSTOP");
        await eventually(() => children.every((pid) => ["T", null].includes(stateOf(pid))), {
          everyMs: 1,
          describe: "it stands still",
        });
      },
      thaw,
      ...postgresAdmin({ port, socketDir, address }),
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** What makes those of a standby; `-R` writes down whom it follows. */
const copyOf = ({ socketDir, port }: PostgresPlace) =>
  ["pg_basebackup", "-h", socketDir, "-p", String(port), "-R", "-X", "stream", "-c", "fast"] as const;

/** For a server that another process has started. Database names are this process's own. */
export function postgresAdmin({ port, socketDir, address = LOOPBACK }: PostgresPlace): PostgresAdmin {
  const sql: PostgresAdmin["sql"] = async (statements, database = "postgres") => {
    const how = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", socketDir, "-p", String(port), "-U", SUPERUSER];
    const program = join(postgresBinaries() ?? "", "psql");
    const { stdout } = await run(program, [...how, "-d", database, "-c", statements], {
      cwd: "/",
      timeout: READY_WITHIN_MS,
    });
    return stdout.trim();
  };
  return {
    sql,
    async database() {
      databases += 1;
      const name = `node_${process.pid}_${databases}`;
      const password = randomBytes(12).toString("base64");
      await sql(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
      await sql(`CREATE DATABASE ${name} OWNER ${name}`);
      return {
        name,
        url: `postgres://${name}@${address}:${port}/${name}`,
        password,
        async drop() {
          await sql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
          await sql(`DROP ROLE IF EXISTS ${name}`);
        },
      };
    },
  };
}

let databases = 0;

/** The last line of its pid file says `ready` once it takes connections. */
async function untilReady(data: string, daemon: Daemon): Promise<void> {
  await eventually(
    async () => {
      if (!daemon.alive) return true;
      const lines = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
      // The file of a killed predecessor may still be there.
      return lines[0] === String(daemon.pid) && lines[7]?.trim() === "ready";
    },
    { withinMs: READY_WITHIN_MS, describe: "PostgreSQL takes connections" },
  );
  if (!daemon.alive) throw daemon.obituary("postgres");
}

async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, "postgres"])).stdout)),
  );
  if (uid === undefined || gid === undefined) throw new CastellanError("POSTGRES_MISSING", "no user named postgres");
  return { uid, gid };
}
