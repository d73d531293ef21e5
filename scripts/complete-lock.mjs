/**
 * Run by hand after `npm install` has changed the lock file: `node scripts/complete-lock.mjs [DIR]`.
 *
 * npm leaves optional packages of other platforms out of package-lock.json when the registry in use does not have them,
 * and `npm ci` then refuses that lock file everywhere. This adds them, by the exact version their parent asks for, with
 * the platform their name states, so that npm passes over them. It adds nothing that has no platform in its name.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SYSTEMS = new Map(
  ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"].map((os) => [os, os]),
).set("windows", "win32");
const PROCESSORS = new Map(
  ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"].map((cpu) => [cpu, cpu]),
).set("64", "x64");

const file = join(process.argv[2] ?? ".", "package-lock.json");
const lock = JSON.parse(readFileSync(file, "utf8"));

/** Whether a package at `from` finds `name` on its way up through the node_modules directories. */
function finds(from, name) {
  for (let dir = from; ; ) {
    if (lock.packages[`${dir === "" ? "" : `${dir}/`}node_modules/${name}`] !== undefined) return true;
    if (dir === "") return false;
    const up = dir.lastIndexOf("/node_modules/");
    dir = up === -1 ? "" : dir.slice(0, up);
  }
}

/** The entry of a package for another platform; undefined when its name does not say which. */
function entryOf(name, version, dev) {
  const words = name.slice(name.indexOf("/") + 1).split("-");
  const os = words.map((word) => SYSTEMS.get(word)).find((found) => found !== undefined);
  const cpu = words.map((word) => PROCESSORS.get(word)).find((found) => found !== undefined);
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+$/.test(version)) return undefined;
  const libc = words.some((word) => word.startsWith("musl")) ? ["musl"] : undefined;
  return { version, cpu: [cpu], ...(dev ? { dev } : {}), ...(libc ? { libc } : {}), optional: true, os: [os] };
}

let added = 0;
for (const [path, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const entry = finds(path, name) ? undefined : entryOf(name, version, parent.dev);
    if (entry === undefined) continue;
    lock.packages[`node_modules/${name}`] = entry;
    added += 1;
  }
}
const root = lock.packages[""];
const sorted = Object.entries(lock.packages)
  .filter(([path]) => path !== "")
  .toSorted(([a], [b]) => a.localeCompare(b, "en"));
lock.packages = { "": root, ...Object.fromEntries(sorted) };
if (added > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms added to ${file}`);
