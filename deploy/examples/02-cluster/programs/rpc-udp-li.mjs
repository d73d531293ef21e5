/** RPC_UDP_LI: tells clients that ask by UDP what time it is here. */
import { createSocket } from "node:dgram";
import { giveUp, log, now, port } from "./program.mjs";

const socket = createSocket("udp4");
socket.on("error", (problem) => giveUp(problem.message));
socket.on("message", (_, from) => socket.send(now().toISOString(), from.port, from.address));
socket.bind(port, "127.0.0.1", () => log(`listening on port ${socket.address().port}`));
