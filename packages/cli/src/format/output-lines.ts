/** What a process printed, line by line, however it was cut into parts. */

/** Longer ones are shown in pieces. */
const MOST_LINE = 64 * 1024;

export interface OutputLines {
  /** The lines that are complete with this part. Of a torn part the half line at its beginning is left out, as is the one before. */
  next(data: Uint8Array, isTorn: boolean): string[];
  /** What has no line's end yet. */
  end(): string[];
}

/**
 * `forTerminal`: control characters other than tabs and colours are shown as `?`, so that what a process prints cannot take
 * over somebody's screen.
 */
export function createOutputLines(forTerminal: boolean): OutputLines {
  let decoder = new TextDecoder();
  let rest = "";
  return {
    next(data, isTorn) {
      if (isTorn) decoder = new TextDecoder();
      const text = decoder.decode(data, { stream: true });
      const lines = (isTorn ? text.slice(text.indexOf("\n") + 1) : rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MOST_LINE) {
        lines.push(rest);
        rest = "";
      }
      return lines.map((line) => clean(line, forTerminal));
    },
    end() {
      const last = rest + decoder.decode();
      rest = "";
      return last === "" ? [] : [clean(last, forTerminal)];
    },
  };
}

function clean(line: string, forTerminal: boolean): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  return forTerminal ? text.replace(/\p{Cc}(?:\[[\d;]*m)?/gu, harmless) : text;
}

/** Of a control character with what may make it a colour. */
function harmless(sequence: string): string {
  if (sequence === "\t" || (sequence.startsWith("\u001b") && sequence.length > 1)) return sequence;
  return `?${sequence.slice(1)}`;
}
