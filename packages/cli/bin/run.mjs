// What the programs beside this file have in common: whether this host and this clone can run them, and which bundle has the command.
import { statSync } from "node:fs";

/** What `dist/bundle/quick.js` holds of `castellan`; "" is a call without a command: `--help`, `--version`. */
const QUICK = new Set(["", "status", "__complete"]);
const WITH_VALUE = new Set(["--home", "--as", "--timeout", "-T"]);
/** The packages that a bundle is made of. */
const PARTS = ["kernel", "protocol", "actor", "store", "sentinel", "work-item", "admin", "daemon", "cli"];

const at = (name) => new URL(name, import.meta.url);
const builtMs = (name) => statSync(at(name), { throwIfNoEntry: false })?.mtimeMs ?? 0;

function commandOf(args) {
  const operand = args.findIndex((word, i) => !word.startsWith("-") && !WITH_VALUE.has(args[i - 1]));
  return operand === -1 ? "" : args[operand];
}

/** The bundle that has the command; after a `tsc -b` alone the bundles are older than their parts, and are not used. */
function builtFor(program, args) {
  const isQuick = program === "castellan" && QUICK.has(commandOf(args));
  const bundle = isQuick ? "../dist/bundle/quick.js" : "../dist/bundle/full/index.js";
  const bundledMs = builtMs(bundle);
  const isFresh = bundledMs > 0 && PARTS.every((part) => builtMs(`../../${part}/dist/.tsbuildinfo`) <= bundledMs);
  return at(isFresh ? bundle : "../dist/index.js");
}

function unfit() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (process.platform !== "linux") return `runs on Linux; this is ${process.platform}`;
  if (major < 20 || (major === 20 && minor < 19))
    return `needs Node.js 20.19 or later, this is ${process.versions.node}`;
  if (builtMs("../dist/index.js") > 0) return null;
  return "this clone has not been built yet\n  run `npm install` and `npm run build` first";
}

export async function run(program) {
  const why = unfit();
  if (why !== null) {
    process.stderr.write(`${program}: ${why}\n`);
    process.exitCode = 1;
    return;
  }
  const args = process.argv.slice(2);
  process.title = [program, ...args].join(" "); // how its programs are told apart in `ps`
  const { main, runProgram } = await import(builtFor(program, args).href);
  process.exitCode = program === "castellan" ? await main(args) : await runProgram(program, args);
  // Everything is done and said. What may still be open is the socket of a client that gave up on a frozen server.
  setTimeout(() => process.exit(), 250).unref();
}
