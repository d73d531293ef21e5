/** From arguments to an exit code. Whatever happens is answered by one: nothing is thrown at the caller. */
import { CommanderError } from "commander";
import { EXIT } from "./exit-code.ts";
import type { Invocation } from "./invocation.ts";
import { type Io, systemIo } from "./io.ts";
import { createProgram } from "./program.ts";
import type { CommonOptions, Grammar } from "./program-base.ts";

/** Runs one command, of `castellan` unless told otherwise. `args` are what follows the program's name. `openAdmin` is replaced in tests. */
export async function main(
  args: readonly string[],
  io: Io = systemIo(),
  openAdmin?: Invocation["openAdmin"],
  { create, read = (typed) => typed }: Grammar = { create: createProgram },
): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = create(io, async (options, run) => {
    exitCode = openAdmin ? await run({ io, ...options, openAdmin }) : await performInHome(io, options, run);
  });
  try {
    await program.parseAsync([...read(args, program)], { from: "user" });
    return exitCode;
  } catch (thrown) {
    const json = args.includes("--json");
    if (!(thrown instanceof CommanderError))
      return (await import("./failure.ts")).reportFailure(thrown, io, json, program.name());
    if (thrown.exitCode === 0) return EXIT.done;
    return await reportMistake(thrown, io, json, program.name());
  }
}

async function performInHome(
  io: Io,
  options: CommonOptions,
  run: (invocation: Invocation) => Promise<number>,
): Promise<number> {
  const { createSystemClock, Disposer } = await import("@castellan/kernel");
  const closing = new Disposer(createSystemClock());
  let opened: ReturnType<Invocation["openAdmin"]> | null = null;
  const openAdmin = async (): ReturnType<Invocation["openAdmin"]> => {
    const { openAdmin: open } = await import("./open-admin.ts");
    opened ??= open({ io, home: options.home, user: options.user, command: options.command, closing });
    return opened;
  };
  try {
    return await run({ io, ...options, openAdmin });
  } finally {
    for (const { name, error } of await closing.dispose()) io.err(`castellan: closing the ${name}: ${error.message}\n`);
  }
}

/** A command that was called without its subcommand has shown its help by now; any other mistake is named. */
async function reportMistake(mistake: CommanderError, io: Io, json: boolean, program: string): Promise<number> {
  if (mistake.code === "commander.help" && !json) return EXIT.usage;
  const { CastellanError } = await import("@castellan/kernel");
  const { reportFailure } = await import("./failure.ts");
  const what =
    mistake.code === "commander.help" ? "a command is missing" : shortened(mistake.message.replace(/^error: /, ""));
  return reportFailure(new CastellanError("USAGE", what), io, json, program);
}

/** What was typed is said again, but not at any length. */
function shortened(message: string): string {
  return message.replace(/'([^']{80})[^']{20,}'/g, "'$1…'");
}
