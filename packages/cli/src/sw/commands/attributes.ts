/** `swadm show_all_attributes|set_attribute|delete_attribute`: places as the table has them, 0 / ALL / 0 for every one. */
import { type AttributeSetting, listAttributes, listServers, setAttribute, unsetAttribute } from "@castellan/admin";
import type { Target } from "@castellan/protocol";
import { EXIT } from "../../exit-code.ts";
import { formatTable } from "../../format/table.ts";
import { printJson, type Run } from "../../invocation.ts";
import { instanceOf, typeOf } from "../../words.ts";

export const show: Run<[string | undefined]> = async (invocation, name) => {
  const ctx = await invocation.openAdmin();
  const [servers, all] = await Promise.all([listServers(ctx), listAttributes(ctx)]);
  const settings = all.filter((one) => name === undefined || one.name === name.toUpperCase());
  const { io } = invocation;
  if (invocation.json) {
    printJson(invocation, settings);
    return EXIT.done;
  }
  const idOf = new Map(servers.map((server) => [server.name, String(server.id)]));
  const rows = settings.map((one) => [
    one.server === null ? "0" : (idOf.get(one.server) ?? one.server),
    one.type ?? "ALL",
    String(one.instance ?? 0),
    one.name,
    one.value,
  ]);
  const head = ["Machine ID", "Process Name", "Process Inst", "Attribute Name", "Attribute Value"];
  io.out(formatTable(head, rows, { columns: io.columns }));
  return EXIT.done;
};

export const set: Run<[readonly string[]]> = async (invocation, [machine, type, instance, name = "", value = ""]) => {
  const change = await setAttribute(await invocation.openAdmin(), name, value, placeOf(machine, type, instance));
  if (invocation.json) printJson(invocation, change);
  else invocation.io.out(`Attribute ${change.name} of ${wordsOf(change)} has been set to ${change.after ?? ""}.\n`);
  return EXIT.done;
};

export const unset: Run<[readonly string[]]> = async (invocation, [machine, type, instance, name = ""]) => {
  const change = await unsetAttribute(await invocation.openAdmin(), name, placeOf(machine, type, instance));
  if (invocation.json) printJson(invocation, change);
  else {
    const what = change.before === null ? "was not set" : "has been deleted";
    invocation.io.out(`Attribute ${change.name} of ${wordsOf(change)} ${what}.\n`);
  }
  return EXIT.done;
};

/** Throws BAD_NAME or USAGE. */
function placeOf(machine = "0", type = "ALL", instance = "0"): Target {
  return {
    ...(machine === "0" ? {} : { server: machine.toLowerCase() }),
    ...(type.toUpperCase() === "ALL" ? {} : { type: typeOf(type) }),
    ...(instance === "0" ? {} : { instance: instanceOf(instance) }),
  };
}

const wordsOf = ({ server, type, instance }: Pick<AttributeSetting, "server" | "type" | "instance">): string =>
  `machine ${server ?? "ALL"}, process ${type ?? "ALL"}, instance ${instance ?? "ALL"}`;
