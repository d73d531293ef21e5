/** `run/endpoints.json`: where this server can be reached, for programs that are told only its home. No secrets. */
import type { Endpoints, HomeSettings } from "@castellan/protocol";
import { writeDurably } from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";

export async function writeEndpoints(paths: HomePaths, settings: HomeSettings, natsUrl: string): Promise<void> {
  const endpoints: Endpoints = {
    node: settings.node,
    server: settings.server,
    natsUrl: withoutSecrets(natsUrl),
    databaseUrl: withoutSecrets(settings.database.url),
    consoleUrl: null,
  };
  await writeDurably(paths.endpoints, `${JSON.stringify(endpoints, null, 2)}\n`);
}

/** `scheme://user:password@host` without the password; of several with commas between them, each. */
export function withoutSecrets(url: string): string {
  return url.replace(/([a-z]+:\/\/[^/@:,]*):[^/@]*@/g, "$1@");
}
