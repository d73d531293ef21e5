/** `castellan attribute set|unset|list`. */
import {
  type AttributeSetting,
  effectiveAttributes,
  listAttributes,
  setAttribute,
  unsetAttribute,
} from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { formatTable } from "../format/table.ts";
import { printJson, type Run } from "../invocation.ts";
import { targetOf } from "../target.ts";

type Words = readonly (string | undefined)[];
type Where = Pick<AttributeSetting, "server" | "type" | "instance">;

export const set: Run<[string, string, Words]> = async (invocation, name, value, [server, type, number]) => {
  const change = await setAttribute(await invocation.openAdmin(), name, value, targetOf(server, type, number));
  if (invocation.json) printJson(invocation, change);
  else {
    const before =
      change.before === null ? "" : change.before === change.after ? " (as before)" : ` (was ${change.before})`;
    invocation.io.out(`${change.name} is ${change.after} ${wordsOf(change)}${before}\n`);
  }
  return EXIT.done;
};

export const unset: Run<[string, Words]> = async (invocation, name, [server, type, number]) => {
  const change = await unsetAttribute(await invocation.openAdmin(), name, targetOf(server, type, number));
  if (invocation.json) printJson(invocation, change);
  else if (change.before === null) invocation.io.out(`${change.name} was not set ${wordsOf(change)}\n`);
  else invocation.io.out(`${change.name} is no longer set ${wordsOf(change)} (was ${change.before})\n`);
  return EXIT.done;
};

export const list: Run<[Words]> = async (invocation, [server, type, number]) => {
  const admin = await invocation.openAdmin();
  const { io } = invocation;
  if (server === undefined) {
    const settings = await listAttributes(admin);
    if (invocation.json) printJson(invocation, settings);
    else if (settings.length === 0) {
      io.out("nothing is set: every attribute has its default (castellan attribute list all)\n");
    } else {
      const rows = settings.map((setting) => [setting.name, setting.value, wordsOf(setting)]);
      io.out(formatTable(["NAME", "VALUE", "WHERE"], rows, { columns: io.columns }));
    }
    return EXIT.done;
  }
  const effective = await effectiveAttributes(admin, targetOf(server, type, number));
  if (invocation.json) printJson(invocation, effective);
  else {
    const rows = effective.map(({ name, value, from, meaning }) => [
      name,
      value,
      from === null ? "default" : `set ${wordsOf(from)}`,
      meaning,
    ]);
    io.out(formatTable(["NAME", "VALUE", "FROM", "MEANING"], rows, { columns: io.columns }));
  }
  return EXIT.done;
};

/** `for WEB 2 on hades`, `for the node`. */
function wordsOf({ server, type, instance }: Where): string {
  const process = type === null ? "" : instance === null ? type : `${type} ${instance}`;
  const where = server === null ? (process === "" ? "the node" : "") : server;
  if (process === "") return `for ${where}`;
  return where === "" ? `for ${process} on every server` : `for ${process} on ${where}`;
}
