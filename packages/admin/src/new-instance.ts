/** The columns of an instance that has never run. */
import type { Row } from "@castellan/store";

export const NEW_INSTANCE = {
  enabled: true,
  persistent: true,
  last_known_status: "STOPPED",
  status_comment: null,
  held: false,
  status_since: null,
  restarts: 0,
  incarnation: 0,
} satisfies Partial<Row<"process_config">>;
