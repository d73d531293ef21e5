/** Checks of one server: its programs and limits, its home, its sentinel, its disks. */
import { formatSize } from "@castellan/kernel";
import type { DiagnosedFacts } from "./diagnosed-facts.ts";
import { type Answer, fail, ok, warn } from "./finding.ts";

/** A sentinel of 100 processes opens some 300 files; Node needs its share. */
const FEW_OPEN_FILES = 1024;

export function checkNode({ node }: DiagnosedFacts): Answer {
  const [major = 0, minor = 0] = node.version.split(".").map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? ok(node.version)
    : fail(`${node.version} is too old`, "install Node.js 20.19 or later");
}

export function checkLimits({ limits: { openFiles } }: DiagnosedFacts): Answer {
  if (openFiles === null) return warn("the limit of open files is not known", "look at `ulimit -n`");
  if (openFiles < FEW_OPEN_FILES) {
    return warn(
      `a process may open ${openFiles} files only`,
      "raise it: `ulimit -n 4096`, or LimitNOFILE= in the systemd unit",
    );
  }
  return ok(openFiles === Number.POSITIVE_INFINITY ? "any number of open files" : `${openFiles} open files`);
}

export function checkTools({ tools: { fallocate } }: DiagnosedFacts): Answer {
  if ("version" in fallocate) return ok(`fallocate of ${fallocate.version}`);
  return warn(
    `${fallocate.problem}: what processes print is not kept within logs.keep`,
    "install util-linux, or put its directory into PATH",
  );
}

export function checkHome({ home }: DiagnosedFacts): Answer {
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

export function checkSettings({ settingsProblem }: DiagnosedFacts): Answer {
  return settingsProblem === null ? ok("nothing to complain of") : fail(settingsProblem, "mend castellan.yaml");
}

export function checkSecrets({ secrets }: DiagnosedFacts): Answer {
  const unreadable = secrets.find(({ problem }) => problem !== null);
  if (unreadable !== undefined) {
    const { key, path, problem } = unreadable;
    return fail(`${key}: ${path} cannot be read: ${problem}`, "put the file there, readable for this user only");
  }
  const open = secrets.filter(({ isOpen }) => isOpen).map(({ path }) => path);
  if (open.length > 0) return warn(`others can read ${open.join(", ")}`, `chmod 600 ${open.join(" ")}`);
  return ok(secrets.length === 0 ? "none are needed" : `${secrets.length} files can be read`);
}

export function checkCertificate({ certificate }: DiagnosedFacts): Answer {
  if (certificate.kind === "none") {
    return certificate.isShared
      ? warn(
          "the servers speak plain text, and whoever reaches their ports is let in",
          "docs/trust.md says how certificates are brought in",
        )
      : ok("none is needed: nobody else comes to this server's bus");
  }
  const { file, until, problems } = certificate;
  const worst = problems.find(({ isFatal }) => isFatal) ?? problems[0];
  if (worst !== undefined) return (worst.isFatal ? fail : warn)(worst.message, worst.remedy);
  return ok(`${file}, until ${until?.toISOString().slice(0, 10) ?? "?"}`);
}

export function checkSentinel({ pair: { worker, watcher, refused } }: DiagnosedFacts): Answer {
  if (worker !== null && watcher !== null) return ok(`worker ${worker}, watcher ${watcher}`);
  if (worker === null && watcher === null && refused !== null) {
    return fail(`it has refused to run: ${refused}`, "mend what it says, then `castellan up`");
  }
  if (worker === null && watcher === null) return ok("not running; `castellan up` brings it up");
  const missing = worker === null ? "worker" : "watcher";
  return warn(`the ${missing} is not running`, "look again in a few seconds, then at logs/castellan-*.log");
}

export function checkDisks({ disks: { file, paths, problems } }: DiagnosedFacts): Answer {
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

export function checkErrorFiles({ errorFiles: { files, refused } }: DiagnosedFacts): Answer {
  const [first] = refused;
  if (first !== undefined)
    return warn(`${first.path} is not watched: ${first.reason}`, "remove it, or put a regular file there");
  return ok(`${files} ${files === 1 ? "file" : "files"} in logs/ (sw_error*, sw_warn*)`);
}
