/** `http.mjs PORT`: something to connect to. */
import { createServer } from "node:http";

const server = createServer((request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(`${JSON.stringify({ pid: process.pid, path: request.url })}\n`);
});
server.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`listening ${typeof address === "object" && address !== null ? address.port : "?"}\n`);
});
process.on("SIGTERM", () => process.exit(0));
