/** What a person can do next about a work item, in words. Pure. */
import type { WorkItemReport } from "@castellan/protocol";

export interface Advice {
  readonly text: string;
  /** What follows `castellan`, if a command does it. */
  readonly command: string | null;
}

const ABOUT_KIND: Readonly<Record<WorkItemReport["kind"], (item: WorkItemReport) => Advice>> = {
  "error-file": ({ subject, server }) => plain(`read ${subject} on ${server}, and see to what it says`),
  "warn-file": ({ subject, server }) => plain(`read ${subject} on ${server}, and see to what it says`),
  disk: ({ subject, server }) => plain(`make room on ${subject} of ${server}; the item goes when there is enough`),
  inode: ({ subject, server }) =>
    plain(`remove files on ${subject} of ${server}; the item goes when there are enough inodes`),
  process: ({ subject, server }) => ({
    text: `see why ${subject} on ${server} fails, mend it, and start it again`,
    command: `restart ${server} ${subject}`,
  }),
  server: ({ server }) => ({ text: `see whether ${server} is up and can be reached`, command: "status" }),
  sentinel: ({ server }) => ({ text: `see what the sentinel of ${server} says`, command: "doctor" }),
};

/** In the order in which one would do it. `user`: who asks. */
export function adviceFor(item: WorkItemReport, user: string): Advice[] {
  const command = (name: string, text: string): Advice => ({ text, command: `workitem ${name} ${item.caseNumber}` });
  if (item.state === "resolved") return [plain("nothing: its cause is over")];
  if (item.state === "released") return [plain("nothing: it was seen to. If its cause goes on, a new item comes")];
  const about = ABOUT_KIND[item.kind](item);
  if (item.lockedBy !== null && item.lockedBy !== user) {
    return [
      plain(`${item.lockedBy} is working on it: leave it, or tell them something`),
      command("note", "write a note"),
      { text: "if they are gone", command: `workitem undo ${item.caseNumber} --force` },
    ];
  }
  if (item.lockedBy === user) {
    return [
      about,
      command("release", "done: take it off the queue"),
      command("keep", "not done: park it and let others at it"),
      command("undo", "not yours after all"),
    ];
  }
  return [
    ...(item.acknowledgedBy === null && item.deadline !== null
      ? [command("acknowledge", "say that you know of it")]
      : []),
    command("open", "take it, so that nobody else does"),
    about,
    command("release", "done: take it off the queue"),
  ];
}

function plain(text: string): Advice {
  return { text, command: null };
}
