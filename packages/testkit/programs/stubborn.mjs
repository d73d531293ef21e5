/** Does not obey SIGTERM. */
process.on("SIGTERM", () => process.stdout.write("ignoring SIGTERM\n"));
setInterval(() => {}, 60_000);
process.stdout.write("started\n");
