/**
 * Releases that a node may be upgraded from, by the commit that was released. A test runs the real program: it is built from
 * the history once, beside its own sources and on the libraries that are installed here.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { PROGRAM_VERSION } from "@castellan/kernel";
import { repositoryRoot } from "@castellan/testkit";
import { build, type Plugin } from "esbuild";

export const RELEASES = {
  "0.1.0": "8a381bcdbf6c163a954f23e68c879b7a849219ff",
} as const;

export type Release = keyof typeof RELEASES;

/** Why the history does not hold it; null: it does. A shallow copy of the repository has only what is there today. */
export function missing(release: Release): string | null {
  try {
    git("cat-file", "-e", `${RELEASES[release]}^{commit}`);
    return null;
  } catch {
    return `release ${release} is not in this copy's history: git fetch --unshallow --tags`;
  }
}

/** The path of its `castellan.mjs`. */
export async function builtRelease(release: Release): Promise<string> {
  const cache = join(repositoryRoot, ".cache", "releases");
  const place = join(cache, `${release}-${RELEASES[release].slice(0, 12)}`);
  const program = join(place, "packages/cli/bin/castellan.mjs");
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  // Complete or not there: whoever builds at the same time loses to the first.
  const draft = mkdtempSync(join(cache, "draft-"));
  try {
    const archive = git("archive", "--format=tar", RELEASES[release], "package.json", "packages", "deploy/examples");
    execFileSync("tar", ["-x", "-C", draft], { input: archive });
    linkOurs(draft);
    linkLibraries(draft);
    await bundle(draft, draft, [libraries]);
    moveUnlessThere(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return program;
}

function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (thrown) {
    if (!existsSync(to)) throw thrown;
  }
}

/** Today's sources as an installation of their own that says it is another release. The path of its `castellan.mjs`. */
export async function installAs(release: string, place: string): Promise<string> {
  mkdirSync(place, { recursive: true });
  linkLibraries(place);
  await bundle(repositoryRoot, place, [libraries, saying(release)]);
  cpSync(join(repositoryRoot, "packages/cli/bin"), join(place, "packages/cli/bin"), { recursive: true });
  return join(place, "packages/cli/bin/castellan.mjs");
}

const saying = (release: string): Plugin => ({
  name: "saying",
  setup(context) {
    context.onLoad({ filter: /\/kernel\/src\/release\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, "utf8").replace(`"${PROGRAM_VERSION}"`, `"${release}"`);
      return { contents, loader: "ts" };
    });
  },
});

function git(...args: string[]): Buffer {
  return execFileSync("git", args, {
    cwd: repositoryRoot,
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function linkOurs(place: string): void {
  const ours = join(place, "node_modules", "@castellan");
  mkdirSync(ours, { recursive: true });
  for (const name of readdirSync(join(place, "packages"))) symlinkSync(join("../../packages", name), join(ours, name));
}

/** Libraries are today's; the packages of the product are the release's own. */
function linkLibraries(place: string): void {
  mkdirSync(join(place, "node_modules"), { recursive: true });
  const theirs = join(repositoryRoot, "node_modules");
  for (const name of readdirSync(theirs)) {
    if (!name.startsWith(".") && name !== "@castellan")
      symlinkSync(join(theirs, name), join(place, "node_modules", name));
  }
}

const libraries: Plugin = {
  name: "libraries",
  setup(context) {
    context.onResolve({ filter: /^[^./]/ }, ({ path }) =>
      path.startsWith("@castellan/") ? undefined : { path, external: true },
    );
  },
};

/** Of the sources in one place, into another. */
async function bundle(sources: string, place: string, plugins: Plugin[]): Promise<void> {
  const thread = join(sources, "packages/store/src/typeorm/sqlite-thread.ts");
  await build({
    absWorkingDir: sources,
    // A program of its own, which stands beside what starts it. 0.1.0 has none.
    entryPoints: {
      index: join(sources, "packages/cli/src/index.ts"),
      ...(existsSync(thread) && { "sqlite-thread": thread }),
    },
    outdir: join(place, "packages/cli/dist"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    conditions: ["@castellan/source"],
    plugins,
    logLevel: "error",
  });
}
