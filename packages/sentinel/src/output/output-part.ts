/** Output in parts, for readers elsewhere: their bookmarks are text that they hand back as it is. */
import { CastellanError } from "@castellan/kernel";
import { type Bookmark, findLastLines, readOutput } from "./read-output.ts";

export interface OutputPart {
  readonly data: Uint8Array;
  /** Where to go on. */
  readonly next: string;
  /** Something after the bookmark was cut off before it was read. */
  readonly isTorn: boolean;
  readonly hasMore: boolean;
}

/** As much as fits in one message of the bus when it is written as text. */
const MOST = 256 * 1024;
/** How far back the last lines are looked for. */
const MOST_BACK = 1024 * 1024 * 1024;

/** What follows the bookmark; without one, the last `lines` lines. Rejects with NO_OUTPUT, BAD_BOOKMARK. */
export async function readOutputPart(
  path: string,
  { from, lines }: { readonly from: string | null; readonly lines: number },
): Promise<OutputPart> {
  const place = from === null ? await findLastLines(path, lines, MOST_BACK) : parseBookmark(from);
  const chunk = place === null ? null : await readOutput(path, place, MOST);
  if (chunk === null) throw new CastellanError("NO_OUTPUT", `there is no output yet: ${path} is not there`);
  const { data, next, isTorn, hasMore } = chunk;
  return { data, next: printBookmark(next), isTorn, hasMore };
}

const printBookmark = ({ position, before }: Bookmark): string =>
  `${position}:${Buffer.from(before).toString("base64")}`;

function parseBookmark(text: string): Bookmark {
  const match = /^(\d{1,15}):([A-Za-z0-9+/]*={0,2})$/.exec(text);
  const before = Buffer.from(match?.[2] ?? "", "base64");
  const position = Number(match?.[1]);
  if (match === null || before.length > position) {
    throw new CastellanError("BAD_BOOKMARK", "this is no place in an output: begin again without one");
  }
  return { position, before };
}
