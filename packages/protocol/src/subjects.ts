/**
 * The subjects of a node. Built and parsed here and nowhere else: `castellan.{node}.` then fixed positions of lower-case
 * tokens `[a-z0-9_-]`. The verb stands in the subject, so that permissions can allow or refuse it per role.
 */
import { CastellanError } from "@castellan/kernel";
import type { AlertKind, Severity } from "./alert.ts";

const TOKEN = /^[a-z0-9_-]{1,128}$/;

function token(text: string): string {
  if (TOKEN.test(text)) return text;
  throw new CastellanError("BAD_SUBJECT", `"${text}" cannot be part of a subject: use a-z, 0-9, - and _`);
}

export type Subject =
  | {
      readonly kind: "request";
      readonly server: string;
      readonly actor: string;
      readonly key: string;
      readonly verb: string;
    }
  | { readonly kind: "command"; readonly verb: string }
  | { readonly kind: "heartbeat"; readonly server: string; readonly part: "worker" | "watcher" }
  | { readonly kind: "alert"; readonly severity: Severity; readonly server: string; readonly alert: AlertKind }
  | { readonly kind: "process"; readonly server: string; readonly process: string; readonly what: string }
  | { readonly kind: "node"; readonly what: string }
  | { readonly kind: "work-item"; readonly queue: string; readonly what: string }
  | { readonly kind: "live-master" }
  | { readonly kind: "loopback"; readonly server: string };

/** Builds and parses the subjects of one node. */
export interface Subjects {
  /** `castellan.{node}` */
  readonly prefix: string;
  /** Name of the events stream: `{NODE}_EVENTS`. */
  readonly eventsStream: string;
  /** What the events stream stores: `castellan.{node}.evt.>`. */
  readonly allEvents: string;
  readonly allAlerts: string;
  readonly allCommands: string;
  /** Worker and watcher of every server: for the master alone. */
  readonly allHeartbeats: string;
  build(subject: Subject): string;
  /** Null for a subject that is not this node's or not of this grammar. */
  parse(text: string): Subject | null;
  /** Every verb of one actor: `castellan.{node}.req.{server}.{actor}.{key}.*`. */
  requestsOf(address: { server: string; actor: string; key: string }): string;
  /** Worker and watcher of one server. */
  heartbeatsOf(server: string): string;
}

const SEVERITIES: readonly Severity[] = ["info", "warning", "error", "critical"];
const KINDS: readonly AlertKind[] = ["error-file", "warn-file", "disk", "inode", "process", "server", "sentinel"];
const oneOf = <T extends string>(values: readonly T[], text: string | undefined): T | null =>
  values.find((value) => value === text) ?? null;

export function createSubjects(node: string): Subjects {
  const name = token(node.toLowerCase());
  const prefix = `castellan.${name}`;
  const build = (subject: Subject): string => {
    switch (subject.kind) {
      case "request":
        return `${prefix}.req.${token(subject.server)}.${token(subject.actor)}.${token(subject.key)}.${token(subject.verb)}`;
      case "command":
        return `${prefix}.cmd.${token(subject.verb)}`;
      case "heartbeat":
        return `${prefix}.hb.${token(subject.server)}.${subject.part}`;
      case "alert":
        return `${prefix}.evt.alert.${subject.severity}.${token(subject.server)}.${subject.alert}`;
      case "process":
        return `${prefix}.evt.process.${token(subject.server)}.${token(subject.process)}.${token(subject.what)}`;
      case "node":
        return `${prefix}.evt.node.${token(subject.what)}`;
      case "work-item":
        return `${prefix}.evt.workitem.${token(subject.queue)}.${token(subject.what)}`;
      case "live-master":
        return `${prefix}.live.master`;
      case "loopback":
        return `${prefix}.sys.loopback.${token(subject.server)}`;
    }
  };
  return {
    prefix,
    eventsStream: `${name.toUpperCase()}_EVENTS`,
    allEvents: `${prefix}.evt.>`,
    allAlerts: `${prefix}.evt.alert.>`,
    allCommands: `${prefix}.cmd.*`,
    allHeartbeats: `${prefix}.hb.*.*`,
    build,
    parse: (text) => (text.startsWith(`${prefix}.`) ? parseTokens(text.slice(prefix.length + 1).split(".")) : null),
    heartbeatsOf: (server) => `${prefix}.hb.${token(server)}.*`,
    requestsOf: ({ server, actor, key }) => `${prefix}.req.${token(server)}.${token(actor)}.${token(key)}.*`,
  };
}

function parseTokens(tokens: readonly string[]): Subject | null {
  if (!tokens.every((text) => TOKEN.test(text))) return null;
  const [family = "", a = "", b = "", c = "", d = ""] = tokens;
  switch (`${family}/${tokens.length}`) {
    case "req/5":
      return { kind: "request", server: a, actor: b, key: c, verb: d };
    case "cmd/2":
      return { kind: "command", verb: a };
    case "hb/3":
      return b === "worker" || b === "watcher" ? { kind: "heartbeat", server: a, part: b } : null;
    case "live/2":
      return a === "master" ? { kind: "live-master" } : null;
    case "sys/3":
      return a === "loopback" ? { kind: "loopback", server: b } : null;
    case "evt/5":
      return parseEvent(a, b, c, d);
    case "evt/4":
      return a === "workitem" ? { kind: "work-item", queue: b, what: c } : null;
    case "evt/3":
      return a === "node" ? { kind: "node", what: b } : null;
    default:
      return null;
  }
}

function parseEvent(family: string, b: string, c: string, d: string): Subject | null {
  if (family === "process") return { kind: "process", server: b, process: c, what: d };
  const severity = oneOf(SEVERITIES, b);
  const alert = oneOf(KINDS, d);
  return family === "alert" && severity && alert ? { kind: "alert", severity, server: c, alert } : null;
}
