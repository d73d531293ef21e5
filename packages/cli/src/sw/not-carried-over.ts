/** Commands of the original that have nothing to do here: who types one is told so, and what there is instead. */
import { type Command, CommanderError } from "commander";

const PORTS =
  "there are no RPC numbers and port ranges any more: servers talk over the bus, on the ports of castellan.yaml";
const WHY: Readonly<Record<string, string>> = {
  "swstart -q": "there is no cache that a start could leave out",
  RESYNCTIME: "time comes from the operating system: keep its clock with NTP",
  tidy_instances: "instance numbers are never used again, so there is nothing to tidy",
  ADD_RANGE: PORTS,
  MOD_RANGE: PORTS,
  DEL_RANGE: PORTS,
  SET_RANGE: PORTS,
  SHOW_RANGES: PORTS,
  SHOW_PORTS: PORTS,
};

/** They do not stand in the help. */
export function addRefusals(program: Command, names: readonly string[]): void {
  for (const name of names) {
    program
      .command(name, { hidden: true })
      .argument("[words...]")
      .allowUnknownOption()
      .action(() => {
        throw notCarriedOver(name);
      });
  }
}

export function notCarriedOver(name: string): CommanderError {
  return new CommanderError(
    2,
    "castellan.notCarriedOver",
    `${name} was not carried over: ${WHY[name] ?? "it is not needed"}`,
  );
}
