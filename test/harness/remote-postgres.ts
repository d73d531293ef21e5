/** A PostgreSQL server on a host of its own, as far as the network goes: reached over a link that can be cut. */
import { type Postgres, postgres, postgresBinaries } from "@castellan/testkit";
import { type Host, makeLan, whyNoLan } from "./namespaces.ts";

export interface RemotePostgres {
  readonly server: Postgres;
  readonly link: Pick<Host, "cut" | "mute" | "deafen" | "heal">;
  stop(): Promise<void>;
}

/** Why there can be none here; undefined when there can. */
export const whyNoRemotePostgres = (): string | undefined =>
  postgresBinaries() === undefined ? "Debian's postgresql is not installed" : whyNoLan();

export async function remotePostgres(): Promise<RemotePostgres> {
  const lan = makeLan(["db"]);
  const link = lan.host("db");
  try {
    const server = await postgres({ host: link });
    return {
      server,
      link,
      async stop() {
        await server.stop();
        lan.remove();
      },
    };
  } catch (thrown) {
    lan.remove();
    throw thrown;
  }
}
