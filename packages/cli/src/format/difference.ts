/** What an `apply` changes, one line each. Pure. */
import { type Difference, isEmpty } from "@castellan/admin";
import type { Style } from "./style.ts";

export function formatDifference(difference: Difference, style: Style): string {
  if (isEmpty(difference)) return "nothing to change\n";
  const types = difference.types.map(({ name, change, fields }) =>
    change === "added" ? style.added(`+ type ${name}`) : style.changed(`~ type ${name} (${fields.join(", ")})`),
  );
  const instances = difference.instances.map(({ server, type, instance, change }) =>
    change === "added"
      ? style.added(`+ ${server} ${type} ${instance}`)
      : style.removed(`- ${server} ${type} ${instance}`),
  );
  const queues = difference.queues.map(({ name, change, fields }) =>
    change === "added" ? style.added(`+ queue ${name}`) : style.changed(`~ queue ${name} (${fields.join(", ")})`),
  );
  return [...types, ...instances, ...queues].map((line) => `${line}\n`).join("");
}
