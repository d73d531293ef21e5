/** Checks of what the servers of a node share: database, bus, the time. */
import { formatSize, isNewer } from "@castellan/kernel";
import type { DiagnosedFacts } from "./diagnosed-facts.ts";
import { type Answer, fail, ok, warn } from "./finding.ts";

/** The oldest PostgreSQL that is served. */
const POSTGRES_AT_LEAST = 14;
/** The oldest nats-server that is served: it syncs what it stores on every write. */
const NATS_AT_LEAST = [2, 10] as const;
const SLOW_DATABASE_MS = 500;
/** The only one that does not say which it is. */
const FIRST_RELEASE = "0.1.0";
const MUCH_SKEW_MS = 2000;
const JETSTREAM_NEARLY_FULL = 0.9;

export function checkDatabase({ database }: DiagnosedFacts): Answer {
  if (database.kind === "not-yet") return ok(`${database.url} is made by the first \`castellan up\``);
  if (database.kind === "failed") {
    const remedies: Readonly<Record<string, string>> = {
      SCHEMA: "restore it from a backup, or point database.url to another database",
      PASSWORD_FILE: "put the password into the file that database.passwordFile names",
      DATABASE_URL: "mend database.url in castellan.yaml",
      STORE_FORBIDDEN: "docs/databases.md says how user, password and database are set up",
    };
    return fail(
      `${database.url}: ${database.message}`,
      remedies[database.code] ?? "see that the database runs and that database.url in castellan.yaml is right",
    );
  }
  const { node, wantedNode, writeProblem, ms, schema, server, url } = database;
  const major = Number(/^PostgreSQL (\d+)/.exec(server)?.[1] ?? POSTGRES_AT_LEAST);
  if (major < POSTGRES_AT_LEAST)
    return fail(`${url} is ${server}`, `upgrade it: ${POSTGRES_AT_LEAST} or later is served`);
  if (node !== null && node !== wantedNode) {
    return fail(
      `${url} belongs to node ${node}, this home to node ${wantedNode}`,
      "mend `node` or `database` in castellan.yaml",
    );
  }
  if (writeProblem !== null)
    return fail(`${url} cannot be written: ${writeProblem}`, "grant its user the right to write");
  const isEmpty = node === null && schema.fit !== "too-new";
  const what = `${url} (${server}) answers in ${ms} ms${isEmpty ? "; it holds no node yet" : ""}`;
  return ms > SLOW_DATABASE_MS ? warn(what, "that is slow: look at its load and at the network") : ok(what);
}

export function checkSchema({ database }: DiagnosedFacts): Answer {
  if (database.kind === "failed") return warn("not known", "reach the database first");
  if (database.kind === "not-yet") return ok("is made by the first `castellan up`");
  const { found, needed, fit } = database.schema;
  switch (fit) {
    case "empty":
      return ok("is made by the first `castellan up`");
    case "same":
      return ok(`version ${found}`);
    case "ahead":
      return warn(
        `version ${found}; this program knows ${needed}`,
        "the node is being upgraded: upgrade this server too",
      );
    case "too-new":
      return fail(`version ${found}; this program knows ${needed}`, "install the newer program here too");
    case "older":
      return fail(`version ${found}; this program needs ${needed}`, "run `castellan upgrade` on the master's server");
  }
}

/** Whether every server that runs works with the release that this program is. */
export function checkReleases({ release, database }: DiagnosedFacts): Answer {
  const own = `this program is ${release}`;
  if (database.kind === "failed") return warn(`${own}; what the servers run is not known`, "reach the database first");
  if (database.kind === "not-yet") return ok(`${own}; no server runs`);
  if (database.releases === null) return warn(`${own}; what the servers run is not known`, "mend the schema first");
  if (database.releases.length === 0) return ok(`${own}; no server runs`);
  const running = database.releases.map(({ server, program }) => ({ server, program: program ?? FIRST_RELEASE }));
  const others = running.filter(({ program }) => program !== release);
  if (others.length === 0) return ok(`${release} on ${running.map(({ server }) => server).join(", ")}`);
  const told = others.map(({ server, program }) => `${server} runs ${program}`).join(", ");
  return warn(
    `${own}; ${told}`,
    others.some(({ program }) => isNewer(program, release))
      ? "install the newer release here too"
      : "run `castellan upgrade` on the master's server",
  );
}

export function checkBus({ bus: { kind, program, url, link }, pair }: DiagnosedFacts): Answer {
  if (program !== null && "problem" in program) {
    return fail(program.problem, "install nats-server, or name a server of your own as nats.url in castellan.yaml");
  }
  const what = kind === "embedded" ? "embedded nats-server" : `nats-server at ${url ?? "?"}`;
  const old = [link?.kind === "reached" ? link.version : null, program?.version].find(isOldNats);
  if (old !== undefined) {
    return fail(`${what} is ${old}`, `install nats-server ${NATS_AT_LEAST.join(".")} or later, which is served`);
  }
  if (link?.kind === "reached") return ok(`${what} ${link.version} answers in ${link.ms} ms (${url ?? ""})`);
  if (kind === "embedded") {
    const version = program === null ? "" : ` ${program.version}, ${program.path}`;
    if (pair.worker === null) return ok(`${what}${version}: starts with the node`);
    return fail(`${what}${version}: the sentinel runs, but it does not answer`, "look at logs/nats-server.log");
  }
  const remedies: Readonly<Record<string, string>> = {
    NOT_PERMITTED: "mend nats.credentials in castellan.yaml, or the server's permissions",
    NOT_TRUSTED: "mend nats.tls in castellan.yaml, or the files that it names",
  };
  const remedy = remedies[link?.code ?? ""] ?? "see that it runs and that nats.url in castellan.yaml is right";
  return fail(`${what}: ${link?.message ?? "not reached"}`, remedy);
}

/** What is no version is not judged. */
function isOldNats(version: string | null | undefined): version is string {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  if (major === undefined) return false;
  const [leastMajor, leastMinor] = NATS_AT_LEAST;
  return Number(major) < leastMajor || (Number(major) === leastMajor && Number(minor) < leastMinor);
}

export function checkJetStream({ bus: { kind, link } }: DiagnosedFacts): Answer {
  if (link?.kind !== "reached")
    return kind === "embedded" ? ok("starts with the node") : warn("not known", "reach the bus first");
  const { jetStream } = link;
  if (jetStream.kind === "failed") {
    return fail(
      `no answer: ${jetStream.message}`,
      "enable JetStream in the server's configuration: `jetstream { store_dir: ... }`",
    );
  }
  const { usedBytes, maxBytes, hasEventsStream } = jetStream;
  const used = `${formatSize(usedBytes)} stored${maxBytes > 0 ? ` of ${formatSize(maxBytes)}` : ""}`;
  if (maxBytes > 0 && usedBytes > maxBytes * JETSTREAM_NEARLY_FULL) {
    return warn(`nearly full: ${used}`, "raise max_file_store of the server, or of the account");
  }
  return ok(hasEventsStream ? used : `${used}; the events stream is made by the first \`castellan up\``);
}

export function checkClock({ bus: { link }, database }: DiagnosedFacts): Answer {
  const ofBus = link?.kind === "reached" && link.jetStream.kind === "ready" ? link.jetStream.skew : null;
  const ofDatabase = database.kind === "reached" ? database.skew : null;
  const skews = [
    { whose: "the bus", skew: ofBus },
    { whose: "the database", skew: ofDatabase },
  ].flatMap(({ whose, skew }) => (skew === null ? [] : [{ whose, ...skew }]));
  if (skews.length === 0) return ok("nobody to compare it with now");
  const wrong = skews.filter(({ ms, offByMs }) => Math.abs(ms) - offByMs > MUCH_SKEW_MS);
  if (wrong.length > 0) {
    const told = wrong.map(({ whose, ms }) => `${Math.abs(ms)} ms ${ms > 0 ? "behind" : "ahead of"} that of ${whose}`);
    return warn(
      `this clock is ${told.join(", ")}`,
      "synchronise all of them (chrony, systemd-timesyncd): the times that people read come from them",
    );
  }
  const widest = Math.max(1, ...skews.map(({ ms, offByMs }) => Math.abs(ms) + offByMs));
  return ok(`agrees with ${skews.map(({ whose }) => whose).join(" and ")} within ${widest} ms`);
}
