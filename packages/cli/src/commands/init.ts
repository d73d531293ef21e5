/** `castellan init [DIR]`: a home with files that explain themselves, to be filled in before the first `castellan up`. */
import { resolve } from "node:path";
import { homeFilesIn, homePaths, initialiseHome, isNewHome } from "@castellan/daemon";
import { CastellanError } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { createStyle } from "../format/style.ts";
import { homeOption } from "../home-option.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run<[string | undefined]> = async (invocation, directory) => {
  const { io, json } = invocation;
  const home = directory === undefined ? invocation.home : resolve(io.cwd, directory);
  const paths = homePaths(home);
  refuseWhatIsThere(home, homeFilesIn(paths), isNewHome(paths));
  const written = initialiseHome(paths, null);
  if (json) {
    printJson(invocation, { home, files: written.map(({ name }) => name) });
    return EXIT.done;
  }
  const style = createStyle(io.outColour);
  const at = homeOption(io, home);
  const widest = Math.max(...written.map(({ name }) => name.length));
  io.out(
    [
      `made a home in ${home}`,
      ...written.map(({ name, purpose }) => `  ${name.padEnd(widest)}  ${style.faint(purpose)}`),
      "next:",
      "  write into etc/types.yaml what should run",
      `  castellan doctor${at}`,
      `  castellan up${at}`,
      "",
    ].join("\n"),
  );
  return EXIT.done;
};

function refuseWhatIsThere(home: string, files: readonly string[], isNew: boolean): void {
  if (files.length > 0) {
    throw new CastellanError("HOME_IN_USE", `${home} holds ${files.join(", ")} already: nothing was written`, {
      details: { home, files },
    });
  }
  if (!isNew)
    throw new CastellanError("HOME_IN_USE", `a node lives in ${home} already: nothing was written`, {
      details: { home },
    });
}
