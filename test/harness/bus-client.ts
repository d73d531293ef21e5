/** A client of a cluster's bus, with the certificate of whoever works in the cluster's home. */
import type { NatsSettings } from "@castellan/protocol";
import { connect, type NatsConnection } from "nats";

export function connectBus({ url, tls }: NatsSettings): Promise<NatsConnection> {
  const files = { caFile: tls?.ca, certFile: tls?.cert, keyFile: tls?.key, servername: tls?.name };
  const given = Object.entries(files).flatMap(([key, value]): [string, string][] =>
    typeof value === "string" ? [[key, value]] : [],
  );
  return connect({ servers: url.split(","), ...(tls && { tls: Object.fromEntries(given) }) });
}
