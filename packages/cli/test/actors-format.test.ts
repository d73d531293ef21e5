import type { ActorReport } from "@castellan/protocol";
import { expect, it } from "vitest";
import { formatActors } from "../src/format/actors.ts";
import { createStyle } from "../src/format/style.ts";

const actor = (path: string, over: Partial<ActorReport> = {}): ActorReport => ({
  path,
  kind: path.slice(path.lastIndexOf("/") + 1),
  state: "running",
  stateMs: 1500,
  restarts: 0,
  mailbox: 0,
  highWater: 0,
  dropped: 0,
  processed: 0,
  ...over,
});

it("shows the tree by indentation, and dead letters by reason; nothing of it moves the cursor", () => {
  const text = formatActors(
    {
      server: "hades",
      actors: [
        actor("/user/guardian", { processed: 12 }),
        actor("/user/guardian/web_1", { kind: "keeper", state: "busy", restarts: 2, mailbox: 3, highWater: 7 }),
      ],
      omitted: 5,
      deadLetters: {
        total: 2,
        byReason: { "bad-message": 2 },
        recent: [{ path: "hades/x/-", type: "a\u001b[2Jb", reason: "bad-message", at: "2026-11-22T06:10:01.000Z" }],
      },
    },
    createStyle(false),
    200,
  );
  expect(text).toBe(
    [
      "hades  7 actors",
      "  ACTOR             STATE    FOR  RESTARTS  WAITING  MOST  DROPPED  HANDLED",
      "  guardian          running  2 s         0        0     0        0       12",
      "    web_1 (keeper)  busy     2 s         2        3     7        0        0",
      "  and 5 more",
      "",
      "2 dead letters  bad-message 2",
      "  AT                   REASON       MESSAGE  FOR",
      "  2026-11-22 06:10:01  bad-message  a [2Jb   hades/x/-",
      "",
    ].join("\n"),
  );
});

it("says so when there are none", () => {
  const deadLetters = { total: 0, byReason: {}, recent: [] };
  expect(formatActors({ server: "hades", actors: [], omitted: 0, deadLetters }, createStyle(false), 80)).toContain(
    "no dead letters",
  );
});
