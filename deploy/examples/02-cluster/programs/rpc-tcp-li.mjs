/** RPC_TCP_LI: takes clients' requests over TCP and hands them to the work queue server. */
import { createServer } from "node:net";
import { ask, giveUp, log, port } from "./program.mjs";

const server = createServer((socket) => {
  socket.setEncoding("utf8");
  socket.on("error", () => socket.destroy());
  socket.on("data", async (line) => {
    const answer = await ask("wqs", line.trim()).catch((problem) => ({ error: problem.message }));
    socket.end(`${JSON.stringify(answer)}\n`);
  });
});
server.once("error", (problem) => giveUp(problem.message));
server.listen(port, "127.0.0.1", () => log(`listening on port ${server.address().port}`));
