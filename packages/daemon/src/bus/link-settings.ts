/** How to reach a bus, from settings that name files. Read again for every connection: secrets are exchanged in place. */
import { readFileSync } from "node:fs";
import type { connectLink } from "@castellan/actor/nats";
import type { NatsSettings } from "@castellan/protocol";

type LinkSettings = Pick<Parameters<typeof connectLink>[0], "servers" | "credentials" | "tls">;

/** Throws what the file system says of a file that cannot be read. */
export function linkSettings({ url, credentials, tls }: NatsSettings): LinkSettings {
  const fileOf = (key: "ca" | "cert" | "key"): Record<string, string> => {
    const path = tls?.[key] ?? null;
    return path === null ? {} : { [key]: readFileSync(path, "utf8") };
  };
  return {
    servers: url.split(","),
    ...(credentials === null ? {} : { credentials: readFileSync(credentials, "utf8") }),
    ...(tls === null ? {} : { tls: { ...fileOf("ca"), ...fileOf("cert"), ...fileOf("key") } }),
  };
}
