/** `castellan plan start|stop|restart|pause|resume`: what would happen, in waves, without doing it. */
import { previewOperation } from "@castellan/admin";
import { CastellanError } from "@castellan/kernel";
import { type CommandVerb, didYouMean } from "@castellan/protocol";
import { EXIT } from "../exit-code.ts";
import { formatPreview } from "../format/preview.ts";
import { createStyle } from "../format/style.ts";
import { printJson, type Run } from "../invocation.ts";
import { targetOf } from "../target.ts";

/** The words people use, and the ones the node does. */
const VERBS = new Map<string, CommandVerb>([
  ["start", "start"],
  ["stop", "shutdown"],
  ["restart", "restart"],
  ["pause", "pause"],
  ["resume", "unpause"],
]);

export const run: Run<[string, readonly (string | undefined)[]]> = async (
  invocation,
  word,
  [server, type, instance],
) => {
  const verb = VERBS.get(word);
  if (verb === undefined) {
    const known = [...VERBS.keys()];
    const message = `"${word}" cannot be planned${didYouMean(word, known)} (known: ${known.join(", ")})`;
    throw new CastellanError("USAGE", message);
  }
  const target = targetOf(server, type, instance);
  const preview = await previewOperation(await invocation.openAdmin(), verb, target, invocation.timeoutMs ?? undefined);
  if (invocation.json) printJson(invocation, { verb, target, ...preview });
  else invocation.io.out(formatPreview(word, preview, createStyle(invocation.io.outColour)));
  return EXIT.done;
};
