/** `castellan completion bash|zsh|fish`: what a shell needs to complete this program's words. */
import { CastellanError } from "@castellan/kernel";
import { COMPLETION_SCRIPTS } from "../completion/scripts.ts";
import { EXIT } from "../exit-code.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run<[string]> = async (invocation, shell) => {
  const script = COMPLETION_SCRIPTS.get(shell);
  if (script === undefined) {
    const known = [...COMPLETION_SCRIPTS.keys()].join(", ");
    throw new CastellanError("USAGE", `there is no completion for "${shell}" (known: ${known})`);
  }
  if (invocation.json) printJson(invocation, { shell, script });
  else invocation.io.out(script);
  return EXIT.done;
};
