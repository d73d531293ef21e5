/** The names of a node's parts: checked once at the border, trusted (branded) afterwards. */
import { CastellanError } from "@castellan/kernel";
import { z } from "zod";

/** 1-24 letters, digits, underscores; lower-cased in subjects. */
export const NodeName = z
  .string()
  .regex(/^[A-Za-z0-9_]{1,24}$/, "a node name is 1-24 letters, digits and underscores")
  .brand("NodeName");
export type NodeName = z.infer<typeof NodeName>;

/** A server's name: lower case letters, digits, `-` and `_`, so that it is a subject token as it stands. */
export const ServerName = z
  .string()
  .regex(/^[a-z0-9_-]{1,64}$/, "a server name is 1-64 lower-case letters, digits, - and _")
  .brand("ServerName");
export type ServerName = z.infer<typeof ServerName>;

/** A process type: up to 10 letters, digits, underscores; upper case, any case is accepted. */
export const TypeName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,9}$/, "a process type is 1-10 letters, digits and underscores, a letter first")
  .transform((name) => name.toUpperCase())
  .brand("TypeName");
export type TypeName = z.infer<typeof TypeName>;

export const Instance = z.int().min(1).max(99_999);

/** One process instance of one server: type and number, as in `WIS 3`. */
export interface ProcessKey {
  readonly type: string;
  readonly instance: number;
}

/** The subject token of an instance: `wis_3`. */
export function processToken({ type, instance }: ProcessKey): string {
  return `${type.toLowerCase()}_${instance}`;
}

/** The instance of a token, or null when it is none. */
export function parseProcessToken(token: string): ProcessKey | null {
  const match = /^([a-z][a-z0-9_]{0,9})_([1-9]\d{0,4})$/.exec(token);
  return match ? { type: (match[1] ?? "").toUpperCase(), instance: Number(match[2]) } : null;
}

/** `WIS 3`, as people and messages write it. */
export function processLabel({ type, instance }: ProcessKey): string {
  return `${type} ${instance}`;
}

/** Checks a name; throws `BAD_NAME` with the rule it breaks. */
export function parseName<S extends z.ZodType>(schema: S, name: string): z.output<S> {
  const checked = schema.safeParse(name);
  if (checked.success) return checked.data;
  throw new CastellanError("BAD_NAME", `"${name}": ${checked.error.issues[0]?.message ?? "not a name"}`, {
    details: { name },
  });
}
