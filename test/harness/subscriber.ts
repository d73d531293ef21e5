/** Follows the alerts of a cluster the way every program may: `castellan alerts --follow --json`, from before they come. */
import { type RunningCli, startCli } from "@castellan/testkit";
import { z } from "zod";

export interface Subscriber {
  /** Ids of all events received, in order. */
  ids(): string[];
  stop(): Promise<void>;
}

const Line = z.object({ id: z.string() });

export function subscribe(home: string): Subscriber {
  const running: RunningCli = startCli(["alerts", "--follow", "--since", "1h", "--json"], { home });
  return {
    ids: () =>
      running
        .stdout()
        .split("\n")
        .slice(0, -1)
        .map((line) => {
          const event = Line.safeParse(JSON.parse(line));
          if (event.success) return event.data.id;
          throw new Error(`no event: ${line} ${running.stderr()}`);
        }),
    async stop() {
      running.signal("SIGINT");
      await running.ended;
    },
  };
}
