/** What an import of a configuration changes, one line each. Pure. */
import type { ConfigurationDifference } from "@castellan/admin";
import type { Style } from "./style.ts";
import { oneLine } from "./table.ts";

const fieldsOf = (fields: readonly string[]): string => (fields.length === 0 ? "" : ` (${fields.join(", ")})`);

export function formatConfigurationDifference(difference: ConfigurationDifference, style: Style): string {
  const { servers, types, queues, processes, attributes } = difference;
  const mark = (change: string, text: string): string => {
    if (change === "added") return style.added(`+ ${text}`);
    return change === "removed" ? style.removed(`- ${text}`) : style.changed(`~ ${text}`);
  };
  const lines = [
    ...servers.map(({ name, change }) => mark(change, `server ${name}`)),
    ...types.map(({ name, change, fields }) => mark(change, `type ${name}${fieldsOf(fields)}`)),
    ...queues.map(({ name, change, fields }) => mark(change, `queue ${name}${fieldsOf(fields)}`)),
    ...processes.map(({ server, type, instance, change }) => {
      const label = `${server} ${type} ${instance}`;
      return mark(change, change === "enabled" || change === "disabled" ? `${label} (${change})` : label);
    }),
    ...attributes.map(({ name, server, type, instance, before, after }) => {
      const change = before === null ? "added" : after === null ? "removed" : "changed";
      const values = `${before === null ? "" : `${oneLine(before)} -> `}${after === null ? "not set" : oneLine(after)}`;
      return mark(change, `attribute ${name} of ${server ?? "all"} ${type} ${instance}: ${values}`);
    }),
  ];
  return lines.length === 0 ? "nothing to change\n" : lines.map((line) => `${line}\n`).join("");
}
