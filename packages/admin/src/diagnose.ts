/**
 * What the facts about a server mean, and what to do about them. Pure; a table of checks, each of which always answers, so
 * that a person sees what was looked at and not only what is wrong.
 */
import { formatSize } from "@castellan/kernel";
import type { DiagnosedFacts } from "./diagnosed-facts.ts";

export type Verdict = "ok" | "warn" | "fail";

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly found: string;
  /** What to do; null when nothing is wrong. */
  readonly remedy: string | null;
}

type Answer = Omit<Finding, "check">;
const ok = (found: string): Answer => ({ verdict: "ok", found, remedy: null });
const warn = (found: string, remedy: string): Answer => ({ verdict: "warn", found, remedy });
const fail = (found: string, remedy: string): Answer => ({ verdict: "fail", found, remedy });

/** A sentinel of 100 processes opens some 300 files; Node needs its share. */
const FEW_OPEN_FILES = 1024;
const MUCH_SKEW_MS = 2000;
const SLOW_DATABASE_MS = 500;
const JETSTREAM_NEARLY_FULL = 0.9;

type Check = (facts: DiagnosedFacts) => Answer;

const CHECKS: readonly (readonly [check: string, look: Check])[] = [
  ["Node.js", checkNode],
  ["limits", checkLimits],
  ["home", checkHome],
  ["settings", checkSettings],
  ["secrets", checkSecrets],
  ["database", checkDatabase],
  ["bus", checkBus],
  ["JetStream", checkJetStream],
  ["clock", checkClock],
  ["sentinel", checkSentinel],
  ["disks", checkDisks],
  ["error files", checkErrorFiles],
];

/** Every check, in the order in which to mend things. */
export function diagnose(facts: DiagnosedFacts): readonly Finding[] {
  return CHECKS.map(([check, look]) => ({ check, ...look(facts) }));
}

function checkNode({ node }: DiagnosedFacts): Answer {
  const [major = 0, minor = 0] = node.version.split(".").map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? ok(node.version)
    : fail(`${node.version} is too old`, "install Node.js 20.19 or later");
}

function checkLimits({ limits: { openFiles } }: DiagnosedFacts): Answer {
  if (openFiles === null) return warn("the limit of open files is not known", "look at `ulimit -n`");
  if (openFiles < FEW_OPEN_FILES) {
    return warn(
      `a process may open ${openFiles} files only`,
      "raise it: `ulimit -n 4096`, or LimitNOFILE= in the systemd unit",
    );
  }
  return ok(openFiles === Number.POSITIVE_INFINITY ? "any number of open files" : `${openFiles} open files`);
}

function checkHome({ home }: DiagnosedFacts): Answer {
  const [first] = home.unwritable;
  if (first !== undefined) {
    const others = home.unwritable.length > 1 ? ` (and ${home.unwritable.length - 1} more)` : "";
    return fail(
      `${first.path} cannot be written: ${first.reason}${others}`,
      home.owner === null || home.owner === home.user
        ? "make it writable, or choose another home with --home"
        : `run castellan as the user to whom it belongs (uid ${home.owner})`,
    );
  }
  if (!home.exists)
    return warn(`${home.dir} does not exist yet`, "make it with `castellan init`, or with `castellan up`");
  if (home.owner !== null && home.owner !== home.user) {
    return warn(
      `${home.dir} belongs to uid ${home.owner}, you are uid ${home.user}`,
      "run castellan as its owner, or what you start leaves files that the owner cannot change",
    );
  }
  const [open] = home.open;
  if (open !== undefined) return warn(`others can look into ${open}`, `chmod 700 ${home.open.join(" ")}`);
  return ok(home.dir);
}

function checkSettings({ settingsProblem }: DiagnosedFacts): Answer {
  return settingsProblem === null ? ok("nothing to complain of") : fail(settingsProblem, "mend castellan.yaml");
}

function checkSecrets({ secrets }: DiagnosedFacts): Answer {
  const unreadable = secrets.find(({ problem }) => problem !== null);
  if (unreadable !== undefined) {
    const { key, path, problem } = unreadable;
    return fail(`${key}: ${path} cannot be read: ${problem}`, "put the file there, readable for this user only");
  }
  const open = secrets.filter(({ isOpen }) => isOpen).map(({ path }) => path);
  if (open.length > 0) return warn(`others can read ${open.join(", ")}`, `chmod 600 ${open.join(" ")}`);
  return ok(secrets.length === 0 ? "none are needed" : `${secrets.length} files can be read`);
}

function checkDatabase({ database }: DiagnosedFacts): Answer {
  if (database.kind === "not-yet") return ok(`${database.url} is made by the first \`castellan up\``);
  if (database.kind === "failed") {
    const remedies: Readonly<Record<string, string>> = {
      SCHEMA: "the message says which program is the older one",
      PASSWORD_FILE: "put the password into the file that database.passwordFile names",
      DATABASE_URL: "mend database.url in castellan.yaml",
      STORE_FORBIDDEN: "docs/databases.md says how user, password and database are set up",
    };
    return fail(
      `${database.url}: ${database.message}`,
      remedies[database.code] ?? "see that the database runs and that database.url in castellan.yaml is right",
    );
  }
  const { node, wantedNode, writeProblem, ms, url } = database;
  if (node !== null && node !== wantedNode) {
    return fail(
      `${url} belongs to node ${node}, this home to node ${wantedNode}`,
      "mend `node` or `database` in castellan.yaml",
    );
  }
  if (writeProblem !== null)
    return fail(`${url} cannot be written: ${writeProblem}`, "grant its user the right to write");
  if (ms > SLOW_DATABASE_MS) return warn(`${url} takes ${ms} ms to answer`, "look at its load and at the network");
  return ok(`${url} answers in ${ms} ms${node === null ? "; it holds no node yet" : ""}`);
}

function checkBus({ bus: { kind, program, url, link }, pair }: DiagnosedFacts): Answer {
  if (program !== null && "problem" in program) {
    return fail(program.problem, "install nats-server, or name a server of your own as nats.url in castellan.yaml");
  }
  const what = kind === "embedded" ? "embedded nats-server" : `nats-server at ${url ?? "?"}`;
  if (link?.kind === "reached") return ok(`${what} ${link.version} answers in ${link.ms} ms (${url ?? ""})`);
  if (kind === "embedded") {
    const version = program === null ? "" : ` ${program.version}, ${program.path}`;
    if (pair.worker === null) return ok(`${what}${version}: starts with the node`);
    return fail(`${what}${version}: the sentinel runs, but it does not answer`, "look at logs/nats-server.log");
  }
  const remedy =
    link?.code === "NOT_PERMITTED"
      ? "mend nats.credentials in castellan.yaml, or the server's permissions"
      : "see that it runs and that nats.url in castellan.yaml is right";
  return fail(`${what}: ${link?.message ?? "not reached"}`, remedy);
}

function checkJetStream({ bus: { kind, link } }: DiagnosedFacts): Answer {
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

function checkClock({ bus: { link } }: DiagnosedFacts): Answer {
  const skewMs = link?.kind === "reached" && link.jetStream.kind === "ready" ? link.jetStream.skewMs : null;
  if (skewMs === null) return ok("nobody to compare it with now");
  if (Math.abs(skewMs) > MUCH_SKEW_MS) {
    return warn(
      `this clock is ${Math.abs(skewMs)} ms ${skewMs > 0 ? "behind" : "ahead of"} the bus's`,
      "synchronise it (chrony, systemd-timesyncd): the times that people read come from it",
    );
  }
  return ok(`agrees with the bus within ${Math.max(1, Math.abs(skewMs))} ms`);
}

function checkSentinel({ pair: { worker, watcher } }: DiagnosedFacts): Answer {
  if (worker !== null && watcher !== null) return ok(`worker ${worker}, watcher ${watcher}`);
  if (worker === null && watcher === null) return ok("not running; `castellan up` brings it up");
  const missing = worker === null ? "worker" : "watcher";
  return warn(`the ${missing} is not running`, "look again in a few seconds, then at logs/castellan-*.log");
}

function checkDisks({ disks: { file, paths, problems } }: DiagnosedFacts): Answer {
  const unmeasured = paths.find(({ freeBytes }) => freeBytes === null);
  if (unmeasured !== undefined) {
    return fail(
      `${unmeasured.path}: ${unmeasured.reason ?? "cannot be measured"}`,
      `mount or make it, or take it out of ${file}`,
    );
  }
  const low = paths.find(({ freeBytes, minimumBytes }) => (freeBytes ?? 0) < minimumBytes);
  if (low !== undefined) {
    return fail(
      `${low.path} has ${formatSize(low.freeBytes ?? 0)} free, ${formatSize(low.minimumBytes)} are wanted`,
      `make room, or lower the minimum in ${file}`,
    );
  }
  const [problem] = problems;
  if (problem !== undefined) {
    return warn(`${file}${problem.line > 0 ? `:${problem.line}` : ""}: ${problem.message}`, "mend that line");
  }
  return ok(`${paths.length} ${paths.length === 1 ? "path has" : "paths have"} the room that is wanted`);
}

function checkErrorFiles({ errorFiles: { files, refused } }: DiagnosedFacts): Answer {
  const [first] = refused;
  if (first !== undefined)
    return warn(`${first.path} is not watched: ${first.reason}`, "remove it, or put a regular file there");
  return ok(`${files} ${files === 1 ? "file" : "files"} in logs/ (sw_error*, sw_warn*)`);
}
