/** Where things are in the repository, from sources and from the build alike. */
import { fileURLToPath } from "node:url";

/** Absolute path of the repository's root, without a slash at its end. */
export const repositoryRoot: string = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/** The command line program as it is run from a clone. */
export const cliPath: string = `${repositoryRoot}/packages/cli/bin/castellan.mjs`;
