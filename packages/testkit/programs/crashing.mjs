/** `crashing.mjs MS [CODE]`: ends by itself. */
const afterMs = Number(process.argv[2] ?? 0);
const code = Number(process.argv[3] ?? 1);
process.on("SIGTERM", () => process.exit(0));
setTimeout(() => {
  process.stderr.write(`crashing with ${code}\n`);
  process.exitCode = Number.isInteger(code) ? code : 1;
}, afterMs);
process.stdout.write("started\n");
