/** The seed of a test that does things at random: printed, and taken from `CASTELLAN_TEST_SEED` to bring a run back. */
export function testSeed(): number {
  const seed = Number(process.env["CASTELLAN_TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`      CASTELLAN_TEST_SEED=${seed}\n`);
  return seed;
}
