/** The file that holds a database's password, or another secret to log in with. Loads no driver. */
import { CastellanError, ensureError, readSmallFile } from "@castellan/kernel";
import { StoreForbidden } from "../errors.ts";

/** For whoever has been working with it: a file that cannot be read now may be there again in a moment. */
export async function passwordNow(path: string): Promise<string> {
  try {
    return await readPassword(path);
  } catch (thrown) {
    throw new StoreForbidden(ensureError(thrown).message, { cause: thrown });
  }
}

const MAX_PASSWORD_FILE = 64 * 1024;

/** The first line of the file. Throws `PASSWORD_FILE`. */
export async function readPassword(path: string): Promise<string> {
  try {
    return (await readSmallFile(path, MAX_PASSWORD_FILE)).toString("utf8").split(/\r?\n/, 1)[0] ?? "";
  } catch (thrown) {
    throw new CastellanError(
      "PASSWORD_FILE",
      `the database's password file cannot be read: ${ensureError(thrown).message}`,
      {
        details: { path },
        cause: thrown,
      },
    );
  }
}
