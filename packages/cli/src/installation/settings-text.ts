/** `castellan.yaml` as `init`, `join` and `up --servers` write it: what was chosen; JSON is YAML. Pure. */
import type { HomeConfig } from "@castellan/protocol";

/** `comment`: for whoever opens it. `more`: text that explains what else it may hold. */
export function settingsText(comment: string, settings: HomeConfig, more = ""): string {
  const lines = Object.entries(settings).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${JSON.stringify(value)}`],
  );
  return [`# ${comment}`, ...lines, "", ...(more === "" ? [] : [more])].join("\n");
}
