/**
 * The grammar of `castellan`, by groups (`grammar/`). Each command loads its code when it is called, so that
 * `--version`, `--help` and a mistake cost next to nothing.
 */
import type { Command } from "commander";
import { addActors } from "./grammar/actors.ts";
import { addAttributes } from "./grammar/attribute.ts";
import { addCertificates } from "./grammar/cert.ts";
import { addCompletion } from "./grammar/completion.ts";
import { addConfiguration } from "./grammar/configuration.ts";
import { examples } from "./grammar/group.ts";
import { addInstallation } from "./grammar/installation.ts";
import { addMembers } from "./grammar/members.ts";
import { addNode } from "./grammar/node.ts";
import { addObservation } from "./grammar/observation.ts";
import { addOperations } from "./grammar/operations.ts";
import { addParts } from "./grammar/parts.ts";
import { addSchema } from "./grammar/schema.ts";
import { addUpgrade } from "./grammar/upgrade.ts";
import { addWorkItems } from "./grammar/work-items.ts";
import type { Io } from "./io.ts";
import { beginProgram, type Perform } from "./program-base.ts";

/** In the order of the help. */
const GROUPS = [
  addNode,
  addInstallation,
  addUpgrade,
  addConfiguration,
  addAttributes,
  addMembers,
  addOperations,
  addObservation,
  addActors,
  addWorkItems,
  addSchema,
  addCertificates,
  addCompletion,
  addParts,
];

/** Throws `CommanderError` on `--help`, `--version` (exit code 0) and on mistakes. */
export function createProgram(io: Io, perform: Perform): Command {
  const { program, bind } = beginProgram("castellan", io, perform);
  program
    .description("Keeps the server processes of a node running.")
    .addHelpText("after", examples(["castellan up", "castellan status --watch", "castellan restart hades WEB 2"]));
  for (const add of GROUPS) add(program, bind);
  return program;
}
