/** `castellan workitem dead-letters` and `retry`: alerts that could not be applied. */
import { listDeadLetters } from "@castellan/admin/read";
import { CastellanError } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { formatDeadLetter, formatDeadLetters } from "../format/dead-letter.ts";
import { printJson, type Run } from "../invocation.ts";

export const list: Run<[string | undefined]> = async (invocation, id) => {
  const ctx = await invocation.openAdmin();
  const letters = await listDeadLetters(ctx);
  const letter = letters.find((known) => known.id === id);
  if (id !== undefined && letter === undefined) {
    throw new CastellanError("NO_SUCH_LETTER", `there is no dead letter ${id}`, { details: { id } });
  }
  if (invocation.json) printJson(invocation, letter ?? letters);
  else if (letter !== undefined) invocation.io.out(formatDeadLetter(letter));
  else invocation.io.out(formatDeadLetters(letters, ctx.clock.now(), invocation.io.columns));
  return EXIT.done;
};

export const retry: Run<[string]> = async (invocation, id) => {
  const ctx = await invocation.openAdmin();
  const { retryDeadLetter } = await import("@castellan/admin");
  const timeoutMs = invocation.timeoutMs ?? undefined;
  const reply = await retryDeadLetter(ctx, id, timeoutMs === undefined ? {} : { timeoutMs });
  const { caseNumber } = reply;
  if (invocation.json) printJson(invocation, reply);
  else if (caseNumber === null) invocation.io.out("applied; it was about nothing that is open\n");
  else invocation.io.out(`applied; it belongs to case ${caseNumber}\n`);
  return EXIT.done;
};
