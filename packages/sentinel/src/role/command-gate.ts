/**
 * The border between the bus and the conductor: an administrator's request (`cmd.{verb}`) as bytes in, the reply as bytes
 * out. Whatever comes in, an answer goes out; nothing that is not a valid request gets further.
 */
import { CastellanError, toErrorShape } from "@castellan/kernel";
import { type CommandReply, CommandRequest, CommandVerb, decodeBody, encodeBody, nearest } from "@castellan/protocol";
import { z } from "zod";

export interface SubmittedCommand {
  readonly verb: CommandVerb;
  readonly command: CommandRequest;
}

/** Larger requests are refused unread, bytes. */
export const MAX_COMMAND_BYTES = 64 * 1024;

/** Never rejects. `submit` is the conductor's ask, with its own deadline. */
export async function handleCommand(
  verb: string,
  body: Uint8Array,
  submit: (command: SubmittedCommand) => Promise<{ readonly operationId: string }>,
): Promise<Uint8Array> {
  let reply: CommandReply;
  try {
    const { operationId } = await submit(parseCommand(verb, body));
    reply = { operationId };
  } catch (thrown) {
    const { code, message, retryable, details } = toErrorShape(thrown);
    reply = { error: { code, message, retryable, details: { ...details } } };
  }
  return encodeBody(reply);
}

/** Throws `UNKNOWN_VERB` or `BAD_COMMAND`, saying what would be right. */
export function parseCommand(verb: string, body: Uint8Array): SubmittedCommand {
  const known = CommandVerb.safeParse(verb.toLowerCase());
  if (!known.success) {
    const near = nearest(verb, CommandVerb.options);
    const hint = near === null ? "" : ` - did you mean ${near}?`;
    throw new CastellanError(
      "UNKNOWN_VERB",
      `there is no command "${verb.slice(0, 64)}"${hint} (known: ${CommandVerb.options.join(", ")})`,
      {
        details: { known: CommandVerb.options },
      },
    );
  }
  if (body.byteLength > MAX_COMMAND_BYTES) {
    throw new CastellanError(
      "BAD_COMMAND",
      `a request of ${body.byteLength} bytes is refused; at most ${MAX_COMMAND_BYTES}`,
      {
        details: { bytes: body.byteLength },
      },
    );
  }
  const checked = CommandRequest.safeParse(decodeCommand(body));
  if (checked.success) return { verb: known.data, command: checked.data };
  throw new CastellanError("BAD_COMMAND", `not a request: ${z.prettifyError(checked.error)}`);
}

function decodeCommand(body: Uint8Array): unknown {
  try {
    return decodeBody(body);
  } catch (cause) {
    throw new CastellanError("BAD_COMMAND", "the request is not JSON in UTF-8", { cause });
  }
}
