/** `docs/subjects.md` and the code say the same: whatever one has, the other has. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as protocol from "../src/index.ts";
import {
  Actors,
  AlertKind,
  CommandVerb,
  Conductor,
  createSubjects,
  Desk,
  Keeper,
  Outbox,
  ProcessEvent,
  Sentinel,
  Severity,
  Watcher,
} from "../src/index.ts";
import { WORK_ITEM_CHANGES } from "../src/words.ts";

const page = readFileSync(new URL("../../../docs/subjects.md", import.meta.url), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| subject") && !line.startsWith("| token"))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
/** The cells that stand beside a first cell. */
const besides = (first: string): readonly string[] => rows.find(([cell]) => cell === first)?.slice(1) ?? [];
const ticked = (text = ""): string[] => Array.from(text.matchAll(/`([^`]+)`/g), ([, word]) => word ?? "");
const subjectsOf = (family: string): string[] =>
  rows.flatMap(([cell]) => ticked(cell)).filter((subject) => subject.startsWith(family));

const verbOf = (type: string): string => type.replace(/(?!^)([A-Z])/g, "-$1").toLowerCase();
/** Where the actors live: on the master, or on every server. */
const ACTORS = [
  { protocol: Sentinel, host: "{server}", key: "-" },
  { protocol: Watcher, host: "{server}", key: "-" },
  { protocol: Actors, host: "{server}", key: "-" },
  { protocol: Keeper, host: "{server}", key: "{process}" },
  { protocol: Outbox, host: "{server}", key: "-" },
  { protocol: Conductor, host: "master", key: "-" },
  { protocol: Desk, host: "master", key: "-" },
];

describe("the page about subjects", () => {
  test("has every message of every actor, says which are answered, and nothing else", () => {
    const messages = ACTORS.flatMap(({ protocol: { actor, messages }, host, key }) =>
      Object.entries(messages).map(([type, message]) => ({
        subject: `req.${host}.${actor}.${key}.${verbOf(type)}`,
        kind: "reply" in message ? "request" : "message",
      })),
    );
    expect(subjectsOf("req.").slice(1)).toEqual(messages.map(({ subject }) => subject));
    for (const { subject, kind } of messages) expect([subject, besides(`\`${subject}\``)[0]]).toEqual([subject, kind]);
  });

  test("leaves no actor of the protocol out", () => {
    const actors = Object.values(protocol).flatMap((value) =>
      typeof value === "object" && "actor" in value && "messages" in value ? [value.actor] : [],
    );
    expect(actors.toSorted()).toEqual(ACTORS.map((row) => row.protocol.actor).toSorted());
  });

  test("has every command", () => {
    expect(subjectsOf("cmd.").slice(1)).toEqual(CommandVerb.options.map((verb) => `cmd.${verb}`));
  });

  test("lists the words that stand in events", () => {
    expect(ticked(besides("severity")[0])).toEqual(Severity.options);
    expect(ticked(besides("kind")[0])).toEqual(AlertKind.options);
    expect(ticked(besides("what, of a process")[0])).toEqual(ProcessEvent.shape.what.options);
    expect(ticked(besides("what, of a work item")[0])).toEqual(WORK_ITEM_CHANGES);
  });

  test("has families that the grammar knows, and every one of them", () => {
    const subjects = createSubjects("n");
    const words: Record<string, string> = { severity: "error", kind: "disk", part: "worker" };
    const kinds = rows
      .slice(0, 9)
      .flatMap(([cell]) => ticked(cell))
      .map(
        (family) =>
          subjects.parse(
            `${subjects.prefix}.${family.replace(/\{(\w+)\}/g, (_all, name: string) => words[name] ?? "x")}`,
          )?.kind,
      );
    expect(kinds).toEqual([
      "request",
      "command",
      "heartbeat",
      "alert",
      "process",
      "node",
      "work-item",
      "live-master",
      "loopback",
    ]);
  });
});
