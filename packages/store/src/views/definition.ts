/** The one place that writes and reads `process_type.definition`. */
import { ensureError } from "@castellan/kernel";
import { ProcessType } from "@castellan/protocol";

/** A type as it is stored. */
export function writeDefinition(type: ProcessType): string {
  return JSON.stringify(type);
}

/** A stored type, or the reason why it is none. A stored duration is milliseconds, or text as people write it. */
export function readDefinition(text: string): { readonly type: ProcessType } | { readonly problem: string } {
  let raw: unknown;
  try {
    raw = JSON.parse(text, (key, value: unknown) =>
      (key === "timeout" || key === "grace") && typeof value === "number" ? `${value}ms` : value,
    );
  } catch (thrown) {
    return { problem: ensureError(thrown).message };
  }
  const checked = ProcessType.safeParse(raw);
  if (checked.success) return { type: checked.data };
  const issue = checked.error.issues[0];
  return { problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a process type"}` };
}
