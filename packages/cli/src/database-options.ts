/** Where the schema of a home is, as it is opened. */
import type { HomeSettings } from "@castellan/protocol";

export const databaseOptions = ({ url, passwordFile }: HomeSettings["database"]) => ({
  url,
  ...(passwordFile === null ? {} : { passwordFile }),
});
