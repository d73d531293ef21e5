#!/usr/bin/env node
// Committed, because npm links no program whose file is missing at install. What it runs is built by `npm run build`.
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const built = new URL("../dist/index.js", import.meta.url);

if (process.platform !== "linux") {
  process.stderr.write(`castellan: runs on Linux; this is ${process.platform}\n`);
  process.exitCode = 1;
} else if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`castellan: needs Node.js 20.19 or later, this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else if (!existsSync(built)) {
  process.stderr.write("castellan: this clone has not been built yet\n  run `npm install` and `npm run build` first\n");
  process.exitCode = 1;
} else {
  const args = process.argv.slice(2);
  process.title = ["castellan", ...args].join(" "); // how its programs are told apart in `ps`
  const { main } = await import(built.href);
  process.exitCode = await main(args);
}
