/** `castellan server list|add|remove|move`. */
import { addServer, listServers, moveServer, removeServer } from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { createStyle } from "../format/style.ts";
import { formatTable, oneLine } from "../format/table.ts";
import { printJson, type Run } from "../invocation.ts";

export const list: Run = async (invocation) => {
  const servers = await listServers(await invocation.openAdmin());
  const { io } = invocation;
  if (invocation.json) {
    printJson(invocation, servers);
    return EXIT.done;
  }
  const style = createStyle(io.outColour);
  const rows = servers.map(({ id, name, role, state, program, checkErrorFiles, processes, comment }) => [
    String(id),
    name,
    role,
    style.word(state),
    program ?? "-",
    String(processes),
    checkErrorFiles ? "yes" : "no",
    oneLine(comment ?? ""),
  ]);
  const titles = ["ID", "SERVER", "ROLE", "STATE", "PROGRAM", "PROCESSES", "ERROR FILES", "COMMENT"];
  const align = ["right", "left", "left", "left", "left", "right", "left", "left"] as const;
  io.out(formatTable(titles, rows, { columns: io.columns, align }));
  return EXIT.done;
};

export const add: Run<[string]> = async (invocation, name) => {
  const server = await addServer(await invocation.openAdmin(), name);
  if (invocation.json) printJson(invocation, server);
  else
    invocation.io.out(`server ${server.name} (#${server.id}) is added; it joins with \`castellan up\` on its host\n`);
  return EXIT.done;
};

export const remove: Run<[string]> = async (invocation, name) => {
  const server = await removeServer(await invocation.openAdmin(), name);
  if (invocation.json) printJson(invocation, server);
  else {
    const { processes } = server;
    const what = processes === 0 ? "" : `, with ${processes} process${processes === 1 ? "" : "es"}`;
    invocation.io.out(`server ${server.name} (#${server.id}) is removed${what}\n`);
  }
  return EXIT.done;
};

export const move: Run<[string, string]> = async (invocation, name, to) => {
  const server = await moveServer(await invocation.openAdmin(), name, to);
  if (invocation.json) printJson(invocation, server);
  else invocation.io.out(`server ${server.before} (#${server.id}) is ${server.name} now\n`);
  return EXIT.done;
};
