/**
 * The second half of this package's build: the program and what it is made of in few files, for most of the time of a
 * short command went into finding and reading hundreds.
 *
 * - `full/` is everything; what is loaded late stays late, in files of its own.
 * - `quick.js` is one file for the commands that should be there at once (`QUICK` in `bin/run.mjs`); the others are
 *   not in it.
 *
 * Left outside of both: what has native parts or picks its parts at run time, and what only a schema's first minute needs.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const OUTSIDE = ["better-sqlite3", "mssql", "oracledb", "pg", "pino", "typeorm"];
/** Commands that `quick.js` holds. */
const QUICK = /\/commands\/(?:status|complete)\.js$/;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const common = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  minifyWhitespace: true,
  logLevel: "warning",
  // Packages in the older module format ask for Node's own modules by `require`.
  banner: {
    js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
  },
};

/** By `require` where it is used: an `import` of something outside would move to the top of the file, and be loaded at once. */
const outside = {
  name: "outside",
  setup(bundle) {
    bundle.onResolve({ filter: new RegExp(`^(?:${OUTSIDE.join("|")})$`) }, ({ path, namespace }) =>
      namespace === "outside" ? { path, external: true } : { path, namespace: "outside" },
    );
    bundle.onLoad({ filter: /./, namespace: "outside" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** The schemas' messages in forty languages, of which English is used. */
const english = {
  name: "english",
  setup(bundle) {
    bundle.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/**
 * Nothing of these is reached from a quick command. The bus's modules are replaced by nothing; left as imports they would be
 * loaded at once.
 */
const withoutSlowCommands = {
  name: "without-slow-commands",
  setup(bundle) {
    bundle.onResolve({ filter: /\/(?:commands|sw)\// }, ({ path }) =>
      QUICK.test(path) ? undefined : { path, external: true },
    );
    bundle.onResolve({ filter: /^nats$|^@nats-io\/|^@castellan\/actor/ }, ({ path }) => ({
      path,
      namespace: "absent",
    }));
    bundle.onLoad({ filter: /./, namespace: "absent" }, () => ({ contents: "module.exports = {};" }));
  },
};

const full = here("dist/bundle/full");
const made = await build({
  ...common,
  entryPoints: {
    index: here("dist/index.js"),
    // Beside what starts it.
    "sqlite-thread": here("../store/dist/typeorm/sqlite-thread.js"),
  },
  plugins: [outside, english],
  outdir: full,
  splitting: true,
  metafile: true,
});
const entryPoints = [here("dist/index.js")];
await build({
  ...common,
  entryPoints,
  plugins: [outside, english, withoutSlowCommands],
  outfile: here("dist/bundle/quick.js"),
});

// A program that runs may still load parts of the last build: only what is older than that goes.
const list = here("dist/bundle/files.json");
const files = Object.keys(made.metafile.outputs).map((path) => basename(path));
const before = existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : [];
for (const name of readdirSync(full)) {
  if (!files.includes(name) && !before.includes(name)) rmSync(join(full, name));
}
writeFileSync(list, JSON.stringify(files));
