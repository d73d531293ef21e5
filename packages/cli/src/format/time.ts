/** Times for people. */
import { formatDuration } from "@castellan/kernel";

/** `3 min`: how long ago an ISO time was. `-` for none. */
export function ago(time: string | null, now: Date): string {
  if (time === null) return "-";
  return formatDuration(Math.max(0, now.getTime() - Date.parse(time)));
}

/** `2026-11-22 06:10:01`, UTC. */
export function moment(time: string): string {
  return time.slice(0, 19).replace("T", " ");
}
