/** Runs until SIGTERM. */
process.on("SIGTERM", () => {
  process.stdout.write("stopping\n");
  process.exit(0);
});
setInterval(() => {}, 60_000);
process.stdout.write("started\n");
