/** How a process instance is named, in every table that is about one. */
import { int, string } from "../columns.ts";

export const instanceColumns = {
  logical_machine_id: int(),
  logical_process_name: string(10),
  logical_process_instance: int(),
};

export const instanceKey = ["logical_machine_id", "logical_process_name", "logical_process_instance"] as const;
