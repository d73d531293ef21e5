/** `{type}`, `{TYPE}`, `{instance}`, `{server}`, `{node}`, `{home}` in what a user wrote. Anything else stays as it is. */
import type { ProcessKey } from "@castellan/protocol";
import type { SentinelIdentity } from "../ports.ts";

/** Replaces the placeholders of one text. */
export type Fill = (text: string) => string;

export function createFill(who: Pick<SentinelIdentity, "node" | "server" | "home">, key: ProcessKey): Fill {
  const values: Readonly<Record<string, string>> = {
    type: key.type.toLowerCase(),
    TYPE: key.type.toUpperCase(),
    instance: String(key.instance),
    server: who.server,
    node: who.node,
    home: who.home,
  };
  return (text) =>
    text.replace(/\{(type|TYPE|instance|server|node|home)\}/g, (all, name: string) => values[name] ?? all);
}
