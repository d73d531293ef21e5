/** The answering side, in a process of its own: an exposed actor and a plain subscription. Ends with its parent. */
import { type CommandOf, receive } from "@castellan/actor";
import { connectHost, Echo } from "./host.ts";

const host = await connectHost("zeus", process.argv[2] ?? "");
const behavior = receive<CommandOf<typeof Echo>>({ Say: ({ text }, replyTo) => replyTo.success({ text }) });
host.system.expose(Echo, "-", host.system.spawn(behavior, "echo"));
host.link.connection.subscribe("plain", { callback: (_error, message) => void message.respond(message.data) });
await host.link.connection.flush();
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
