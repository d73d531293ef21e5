/**
 * An actor's public messages as plain data, so that a package that knows nothing of actors can define them. The schema
 * checks what arrives from the wire; the types below are read off it.
 */
import type { z } from "zod";
import type { Asking } from "./message.ts";

/** With `reply` the message is asked, without it is told. Schemas must survive JSON: no transforms, no dates. */
export interface MessageSchema {
  readonly request: z.ZodType;
  readonly reply?: z.ZodType;
}

export interface Protocol {
  /** The kind of actor, a lower-case token: part of its address. */
  readonly actor: string;
  /** By message type, PascalCase; on the wire the type is the "verb", kebab-case. */
  readonly messages: Readonly<Record<string, MessageSchema>>;
}

type Types<P extends Protocol> = keyof P["messages"] & string;
/** `z.object({})` reads as "no key may have a value", `type` included; here it means "no fields". */
type Fields<T> = string extends keyof T ? unknown : T;
type Request<P extends Protocol, K extends Types<P>> = { readonly type: K } & Fields<
  z.infer<P["messages"][K]["request"]>
>;

/** The messages of `P` that are told. */
export type TellOf<P extends Protocol> = {
  [K in Types<P>]: P["messages"][K] extends { readonly reply: z.ZodType } ? never : Request<P, K>;
}[Types<P>];

/** The messages of `P` that are asked. */
export type AskOf<P extends Protocol> = {
  [K in Types<P>]: P["messages"][K] extends { readonly reply: infer R extends z.ZodType }
    ? Asking<Request<P, K>, z.infer<R>>
    : never;
}[Types<P>];

/** Everything the actor takes: a union on `type`. */
export type CommandOf<P extends Protocol> = TellOf<P> | AskOf<P>;

/** What `P`'s message `K` is answered with. */
export type ReplyOf<P extends Protocol, K extends Types<P>> = P["messages"][K] extends {
  readonly reply: infer R extends z.ZodType;
}
  ? z.infer<R>
  : never;

/** The verb of a message type: `GetStatus` -> `get-status`, `BringUp2` -> `bring-up2`. */
export function verbOf(type: string): string {
  return type.replace(/[A-Z]/g, (letter, at: number) => `${at === 0 ? "" : "-"}${letter.toLowerCase()}`);
}

/** The message type of a verb: the inverse of `verbOf` for PascalCase names. */
export function typeOf(verb: string): string {
  return verb.replace(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase());
}
