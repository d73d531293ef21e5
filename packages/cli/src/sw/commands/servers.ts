/** `swadm show_servers|add_server|delete_server|move_server|set_check_errors`. */
import { addServer, listServers, moveServer, removeServer, setAttribute } from "@castellan/admin";
import { EXIT } from "../../exit-code.ts";
import { formatTable, oneLine } from "../../format/table.ts";
import { printJson, type Run } from "../../invocation.ts";
import { flagOf } from "../../words.ts";
import { yesNo } from "../lines.ts";

export const show: Run = async (invocation) => {
  const servers = await listServers(await invocation.openAdmin());
  const { io } = invocation;
  if (invocation.json) printJson(invocation, servers);
  else {
    const head = ["MACHINE_ID", "MACHINE_NAME", "MASTER", "CHECK_ERRORS", "STATE", "PROCESSES", "COMMENT"];
    const rows = servers.map(({ id, name, role, checkErrorFiles, state, processes, comment }) => [
      String(id),
      name,
      yesNo(role === "master"),
      yesNo(checkErrorFiles),
      state,
      String(processes),
      oneLine(comment ?? ""),
    ]);
    io.out(formatTable(head, rows, { columns: io.columns }));
  }
  return EXIT.done;
};

export const add: Run<[string]> = async (invocation, name) => {
  const server = await addServer(await invocation.openAdmin(), name);
  if (invocation.json) printJson(invocation, server);
  else invocation.io.out(`Machine ${server.name} has been added with ID ${server.id}.\n`);
  return EXIT.done;
};

export const remove: Run<[string]> = async (invocation, machine) => {
  const server = await removeServer(await invocation.openAdmin(), machine);
  const { name, id, processes } = server;
  if (invocation.json) printJson(invocation, server);
  else invocation.io.out(`Machine ${name} (ID ${id}) has been deleted, with ${processes} process(es).\n`);
  return EXIT.done;
};

export const move: Run<[string, string]> = async (invocation, machine, name) => {
  const server = await moveServer(await invocation.openAdmin(), machine, name);
  if (invocation.json) printJson(invocation, server);
  else invocation.io.out(`Machine ${server.before} (ID ${server.id}) is now ${server.name}.\n`);
  return EXIT.done;
};

export const setCheckErrors: Run<[string, string]> = async (invocation, machine, check) => {
  const value = flagOf("CHECK", check) ? "1" : "0";
  const change = await setAttribute(await invocation.openAdmin(), "CHECK_ERROR_FILES", value, { server: machine });
  if (invocation.json) printJson(invocation, change);
  else {
    const what = value === "1" ? "checked" : "not checked";
    invocation.io.out(`Error files of machine ${change.server ?? "ALL"} are ${what}.\n`);
  }
  return EXIT.done;
};
