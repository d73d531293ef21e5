/**
 * A schema that its node has left for another says so in `schema_move`, which programs of release 0.1.0 do not read: they would
 * go on with it as with that of the node. What they do read is from which program on a schema can be used.
 */
import { type LockOptions, underLock } from "./under-lock.ts";
import { versionTable } from "./version.ts";

/** The first `SCHEMA_VERSION` of a program that knows of schemas which do not count. */
const KNOWS_OF_MOVES = 2;

/** May be done again. Throws what `openGateway` throws. */
export async function retireSchema(options: LockOptions): Promise<void> {
  await underLock(options, async (dialect, session) => {
    const usableFrom = dialect.quote("usable_from");
    await session.run(
      `UPDATE ${dialect.quote(versionTable.name)} SET ${usableFrom} = ${KNOWS_OF_MOVES} WHERE ${usableFrom} < ${KNOWS_OF_MOVES}`,
    );
  });
}
