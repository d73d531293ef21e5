/** `slow.mjs MS`: takes a while to become ready. */
process.on("SIGTERM", () => process.exit(0));
setInterval(() => {}, 60_000);
process.stdout.write("starting\n");
setTimeout(() => process.stdout.write("ready\n"), Number(process.argv[2] ?? 0));
