/**
 * How to reach a bus, from settings that name files. The files of TLS are read by each attempt to connect: they may be exchanged
 * while a connection lasts, and the next one shows the new ones.
 */
import type { connectLink } from "@castellan/actor/nats";
import { readSmallFileSync } from "@castellan/kernel";
import type { NatsSettings } from "@castellan/protocol";

type LinkSettings = Pick<Parameters<typeof connectLink>[0], "servers" | "credentials" | "tls">;

/** Throws what the file system says of credentials that cannot be read. */
export function linkSettings({ url, credentials, tls }: NatsSettings): LinkSettings {
  return {
    servers: url.split(","),
    ...(credentials === null
      ? {}
      : { credentials: readSmallFileSync(credentials, MAX_CREDENTIALS_BYTES).toString("utf8") }),
    ...(tls === null
      ? {}
      : {
          tls: {
            ...(tls.ca !== null && { caFile: tls.ca }),
            ...(tls.cert !== null && { certFile: tls.cert }),
            ...(tls.key !== null && { keyFile: tls.key }),
            ...(tls.name !== null && { servername: tls.name }),
          },
        }),
  };
}

const MAX_CREDENTIALS_BYTES = 1024 * 1024;
