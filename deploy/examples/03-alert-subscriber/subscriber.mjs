// Prints the alerts of a node, with nothing but the plain NATS client:
//   node subscriber.mjs nats://127.0.0.1:4222    or    node subscriber.mjs HOME/run/endpoints.json
import { readFileSync } from "node:fs";
import { connect } from "nats";

const [given = "nats://127.0.0.1:4222"] = process.argv.slice(2);
const servers = given.endsWith(".json") ? JSON.parse(readFileSync(given, "utf8")).natsUrl : given;
const client = await connect({ servers, maxReconnectAttempts: -1 }).catch((error) => {
  console.error(`no NATS server answers at ${servers}: ${error.message}. Is the node up?`);
  process.exit(3);
});
for await (const event of client.subscribe("castellan.*.evt.alert.>")) {
  const { severity, server, kind, summary } = event.json();
  console.log(event.headers?.get("ce-time"), event.headers?.get("ce-type"), severity, server, kind, summary);
}
