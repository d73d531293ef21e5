/** A PostgreSQL server with a certificate: who it is taken for, and what is said when it is not. */
import { execFile } from "node:child_process";
import { chmod, chown, stat, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { eventually, type Postgres, postgres, postgresBinaries, type TempHome, tempHome } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHere } from "./open-here.ts";

const run = promisify(execFile);
const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";

const newKey = (name: string): string[] => [
  "-newkey",
  "ec",
  "-pkeyopt",
  "ec_paramgen_curve:prime256v1",
  "-nodes",
  "-keyout",
  `${name}.key`,
];

describe.skipIf(missing !== "")(`PostgreSQL over TLS${missing}`, () => {
  let server: Postgres;
  let home: TempHome;
  beforeAll(async () => {
    [server, home] = [await postgres(), await tempHome()];
    await authority("ours");
    await authority("another");
    await certificate("right", "localhost", "ours");
    await certificate("elsewhere", "db.example", "ours");
    // The server reads its key as the user it runs as.
    const { uid, gid } = await stat(server.socketDir);
    for (const name of ["right.pem", "right.key", "elsewhere.pem", "elsewhere.key"])
      await chown(home.path(name), uid, gid);
    await chmod(home.dir, 0o711);
  });
  afterAll(async () => {
    await server?.stop();
    await home?.remove();
  });

  const openssl = (...args: string[]) => run("openssl", args, { cwd: home.dir });
  const authority = (name: string) =>
    openssl("req", "-x509", ...newKey(name), "-out", `${name}.pem`, "-subj", `/CN=${name}`, "-days", "2");
  async function certificate(name: string, host: string, by: string): Promise<void> {
    await openssl("req", ...newKey(name), "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    await writeFile(home.path(`${name}.ext`), `subjectAltName = DNS:${host}\n`);
    const signed = [
      "-CA",
      `${by}.pem`,
      "-CAkey",
      `${by}.key`,
      "-CAcreateserial",
      "-days",
      "2",
      "-extfile",
      `${name}.ext`,
    ];
    await openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.pem`);
  }

  /** The server shows this certificate from now on. */
  async function show(name: string): Promise<void> {
    await server.sql(`ALTER SYSTEM SET ssl_cert_file = '${home.path(`${name}.pem`)}'`);
    await server.sql(`ALTER SYSTEM SET ssl_key_file = '${home.path(`${name}.key`)}'`);
    await server.sql("ALTER SYSTEM SET ssl = on");
    await server.sql("SELECT pg_reload_conf()");
    await eventually(
      async () =>
        (await server.sql("SHOW ssl")) === "on" && (await server.sql("SHOW ssl_cert_file")).endsWith(`${name}.pem`),
    );
  }

  const open = (query: string) => {
    const url = new URL(server.url);
    url.hostname = "localhost";
    url.search = query;
    return openHere({
      url: url.href,
    });
  };
  const verified = (ca: string): string => `sslmode=verify-full&sslrootcert=${home.path(`${ca}.pem`)}`;

  it("that has none refuses who asks for it, and the remedy is said", async () => {
    await expect(open(verified("ours"))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/does not support SSL.*turn ssl on/),
    });
  });

  it("is served when its certificate is of the authority and for the host, migrations too", async () => {
    await show("right");
    const gateway = await open(verified("ours"));
    await gateway.find("nodes");
    const sessions =
      "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'castellan'";
    expect(await server.sql(sessions)).toBe("1|t");
    await gateway.close();
  });

  it("of an authority that is not ours is refused", async () => {
    await show("right");
    await expect(open(verified("another"))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/certificate.*sslrootcert in the database URL/),
    });
    // Without an authority of its own, the system's are asked.
    await expect(open("sslmode=verify-full")).rejects.toMatchObject({
      message: expect.stringContaining("sslrootcert"),
    });
  });

  it("with another host's certificate is refused", async () => {
    await show("elsewhere");
    await expect(open(verified("ours"))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/db\.example.*host name that is in the server's certificate/),
    });
  });
});
