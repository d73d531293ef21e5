/** WEB: a page that counts its visits in the store, and `/health` for whoever wants to know whether it works. */
import { createServer } from "node:http";
import { listen, log, numberFrom, onStop } from "./program.mjs";
import { createStoreClient } from "./store-client.mjs";

const port = numberFrom("WEB_PORT", 28_081);
const store = createStoreClient(numberFrom("STORE_PORT", 28_080));
const { CASTELLAN_NODE = "?", CASTELLAN_SERVER = "?", CASTELLAN_INSTANCE = "1", CASTELLAN_HOME } = process.env;

const ROUTES = {
  async "/health"(url) {
    const asked = url.searchParams.get("home");
    if (asked !== null && asked !== CASTELLAN_HOME)
      return { status: 409, text: "this is the server of another node\n" };
    await store.ask("ping");
    return { status: 200, text: "ok\n" };
  },
  async "/"() {
    const [visits, done, waiting] = await Promise.all([
      store.ask("incr", "visits"),
      store.ask("get", "jobs-done"),
      store.ask("llen", "jobs"),
    ]);
    const text = page(`You are visitor ${visits}. Jobs done: ${done ?? 0}, waiting: ${waiting}.`);
    return { status: 200, text, type: "text/html; charset=utf-8" };
  },
};

const page = (text) => `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Castellan example</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 4em auto">
<h1>WEB ${CASTELLAN_INSTANCE} on ${CASTELLAN_SERVER}, node ${CASTELLAN_NODE}</h1>
<p>${text}</p>
<p>Kill me (<code>kill -9 ${process.pid}</code>) and load this page again.</p>
</body></html>
`;

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  const route = Object.hasOwn(ROUTES, url.pathname)
    ? ROUTES[url.pathname]
    : () => ({ status: 404, text: "no such page\n" });
  Promise.resolve()
    .then(() => route(url))
    .catch((problem) => ({ status: 503, text: `${problem.message}\n` }))
    .then(({ status, text, type = "text/plain; charset=utf-8" }) => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    });
});

await listen(server, port);
log(`listening on http://127.0.0.1:${port}`);
onStop(() => {
  server.close();
  server.closeAllConnections();
  store.close();
});
