/** What the example's programs have in common: log lines, a number from the environment, an orderly end. */

const { CASTELLAN_TYPE = "PROGRAM", CASTELLAN_INSTANCE = "1" } = process.env;

export function log(text) {
  process.stdout.write(`${new Date().toISOString()} ${CASTELLAN_TYPE} ${CASTELLAN_INSTANCE} ${text}\n`);
}

/** Ends the program with a reason that the operator reads in `castellan status`. */
export function giveUp(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

export function numberFrom(name, fallback) {
  const value = Number(process.env[name] ?? fallback);
  if (!Number.isFinite(value) || value <= 0) giveUp(`${name}=${process.env[name]} is not a positive number`);
  return value;
}

/** Calls `stop` on the first SIGTERM or SIGINT, then ends with 0. */
export function onStop(stop) {
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log("stopping");
      Promise.resolve(stop()).finally(() => process.exit(0));
    });
  }
}

/** Listens on loopback, or says which port is taken. */
export function listen(server, port) {
  return new Promise((resolve) => {
    server.once("error", (error) =>
      giveUp(
        error.code === "EADDRINUSE" ? `port ${port} is in use by another program` : `port ${port}: ${error.message}`,
      ),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
}
