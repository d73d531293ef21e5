/**
 * PostgreSQL servers of a test's own. One on a host of its own, as far as the network goes, is reached over a link that can be
 * cut; with CASTELLAN_REMOTE_POSTGRES=1 every one of them is.
 */
import { type Postgres, type PostgresOptions, postgres, postgresBinaries, testRun } from "@castellan/testkit";
import { type Host, makeLan, whyNoLan } from "./namespaces.ts";

export interface OwnPostgres {
  readonly server: Postgres;
  stop(): Promise<void>;
}

export interface RemotePostgres extends OwnPostgres {
  readonly link: Pick<Host, "cut" | "mute" | "deafen" | "heal">;
}

/** Why there can be none here; undefined when there can. */
export const whyNoRemotePostgres = (): string | undefined =>
  postgresBinaries() === undefined ? "Debian's postgresql is not installed" : whyNoLan();

export async function remotePostgres(options: PostgresOptions = {}): Promise<RemotePostgres> {
  const lan = makeLan(["db"]);
  const link = lan.host("db");
  try {
    const server = await postgres({ ...options, host: link });
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

/** Where the run has them: on this host, or on one of its own. */
export async function ownPostgres(options: PostgresOptions = {}): Promise<OwnPostgres> {
  if (testRun().isPostgresRemote) return await remotePostgres(options);
  const server = await postgres(options);
  return { server, stop: () => server.stop() };
}
